// An exercise: a question, fields, a check by computing, a hint, and a why after the answer.

// "1/2", "0.5", "−1", "50 %": a number, or NaN.
function number(text) {
  if (text.trim().endsWith("%")) return number(text.replace("%", "")) / 100;
  const parts = text.trim().replace(/[−–]/g, "-").replaceAll(",", ".").split("/");
  if (parts.length > 2 || parts.some((part) => part.trim() === "")) return NaN;
  return parts.length === 2 ? Number(parts[0]) / Number(parts[1]) : Number(parts[0]);
}

function numberField({ label, value = "" }, index) {
  const input = element("input",
    { type: "text", value, size: 5, autocomplete: "off", name: `answer-${index}` });
  const node = element("label", { class: "field" }, element("span", {}, label), input);
  return { node, read: () => number(input.value) };
}

function choiceField({ label, options }) {
  let chosen;
  const node = choice(label, options, undefined, (value) => { chosen = value; });
  return { node, read: () => chosen };
}

// A title and {question, fields, check(answers) → true or why not, hint, why}; or a title and make(),
// which returns another of these each time.
function exercise({ title, make, ...fixed }, index) {
  const heading = element("h3", {}, `${index + 1}. ${title}`);
  const body = element("div");
  const node = element("div", { class: "exercise" }, heading, body);

  function build() {
    const { question, fields, check, hint, why } = make ? make() : fixed;
    const parts = fields.map((field, at) => (field.options ? choiceField(field) : numberField(field, at)));
    const verdict = message();
    const reason = element("details", { class: "why", hidden: true },
      element("summary", {}, "Why"), element("p", {}, why));
    const submit = (event) => {
      event.preventDefault();
      const answers = parts.map((part) => part.read());
      const missing = answers.some((answer) => answer === undefined || Number.isNaN(answer));
      if (missing) {
        verdict.say(fields[0].options ? "Please choose an answer."
          : "Please fill in numbers, such as 2, −0.5 or 1/3.");
        return;
      }
      const result = check(answers);
      verdict.say(result === true ? "Right." : result, result === true ? "good" : "bad");
      reason.hidden = false;
      reason.open = result === true;
    };
    const form = element("form", { submit },
      element("div", { class: "fields" }, ...parts.map((part) => part.node)),
      element("div", { class: "buttons" }, element("button", { type: "submit", class: "primary" }, "Check"),
        ...(make ? [button("Another one", () => build().focus())] : [])));
    const asked = element("p", { tabindex: -1 }, question);
    body.replaceChildren(asked, form, verdict.node,
      element("details", {}, element("summary", {}, "Hint"), element("p", {}, hint)), reason);
    return asked; // where the focus goes: the pressed button is gone
  }

  build();
  return node;
}
