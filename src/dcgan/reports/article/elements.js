// Elements and controls that every figure uses.

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== false && value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

// At most `digits` decimals, a real minus sign. Equal numbers look equal, whatever their last bits.
const show = (value, digits = 3) =>
  String(Number(Number(value.toPrecision(10)).toFixed(digits))).replace("-", "−");

// Whether numbers are equal up to rounding, which is float32's in the kernels of a run.
function equal(values) {
  return Math.max(...values) - Math.min(...values) <= 1e-6 * Math.max(...values.map(Math.abs)) + 1e-12;
}

const list = (values, digits) => values.map((value) => show(value, digits)).join(", ");

// A labeled slider; `set` moves it without calling `change`.
function slider(label, { min, max, value }, change) {
  const shown = element("output", { "aria-hidden": "true" });
  const input = element("input", {
    type: "range", min, max, value, autocomplete: "off",
    input: () => { refresh(); change(Number(input.value)); },
  });
  const node = element("label", { class: "slider" }, element("span", {}, label), input, shown);
  function refresh() {
    shown.textContent = input.value;
    input.setAttribute("aria-valuetext", shown.textContent);
  }
  refresh();
  return {
    node,
    set(next, limits = {}) {
      for (const [name, limit] of Object.entries(limits)) input.setAttribute(name, limit);
      input.value = next;
      refresh();
    },
  };
}

const button = (label, click, attributes = {}) =>
  element("button", { type: "button", click, ...attributes }, label);

let groups = 0;

// Radio buttons; options: {value: label}, or a list of values that are their own labels.
function choice(label, options, value, change) {
  groups += 1;
  const name = `choice-${groups}`;
  const labels = Array.isArray(options) ? options.map((each) => [each, each]) : Object.entries(options);
  const radios = labels.map(([key, text]) => element("label", {},
    element("input", {
      type: "radio", name, value: key, checked: String(key) === String(value), autocomplete: "off",
      change: () => change(key),
    }),
    element("span", {}, text)));
  return element("fieldset", { class: "choice" }, element("legend", {}, label), ...radios);
}

const controls = (...nodes) => element("div", { class: "controls" }, ...nodes);
const panels = (...nodes) => element("div", { class: "panels" }, ...nodes);

function panel(title, ...nodes) {
  const heading = element("div", { class: "title" }, title);
  const node = element("div", { class: "panel" }, heading, ...nodes);
  return Object.assign(node, { heading });
}

// A sentence that screen readers hear when it changes.
function message() {
  const node = element("p", { class: "message", "aria-live": "polite" });
  return {
    node,
    say(text, tone = "") {
      node.className = `message ${tone}`;
      if (node.textContent !== text) node.textContent = text;
    },
  };
}

// Call build(figure) for every element with data-live=name once the page is there.
function mount(name, build) {
  document.addEventListener("DOMContentLoaded", () => {
    for (const figure of document.querySelectorAll(`[data-live="${name}"]`)) {
      const nodes = build(figure);
      if (nodes) figure.prepend(element("div", { class: "live" }, ...nodes));
    }
  });
}
