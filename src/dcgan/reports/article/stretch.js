// Stretch and smooth: zeros between the inputs, then an ordinary convolution, pixel by pixel.

const N = 6;
const SIGNALS = {
  constant: article.ones(N),
  ramp: [0, 0.2, 0.4, 0.6, 0.8, 1],
  edge: [0, 0, 0, 1, 1, 1],
  pulse: [0, 0, 1, 0, 0, 0],
};
const KERNELS = {
  "1, 1": [1, 1],
  "1, 1, 1": [1, 1, 1],
  "½, 1, ½": [0.5, 1, 0.5],
  "1, 1, 1, 1": [1, 1, 1, 1],
  "1, ½, ¼": [1, 0.5, 0.25],
};
const STEPS = [
  "Step 1 of 4. The input: one number per pixel.",
  "Step 2 of 4. Stretch: put stride − 1 zeros between neighbors. Nothing is lost, and nothing is filled in.",
  "Step 3 of 4. Smooth: slide the kernel, turned around, over it. Move it with the slider.",
  "Step 4 of 4. The whole output, colored by phase. It equals the sum of the stamps.",
];

mount("stretch", () => {
  const state = { signal: "ramp", kernel: "1, 1, 1", stride: 2, step: 2, position: 4 };
  const charts = element("div", { class: "stacked" });
  const [headline, sentence] = [message(), message()];
  const back = button("Back", () => go(-1));
  const next = button("Next", () => go(1));
  const position = slider("Output pixel", { min: 0, max: 12, value: state.position },
    (value) => { state.position = value; update(); });
  const set = (name) => (value) => { state[name] = value; update(); };

  function go(by) {
    state.step += by;
    update();
  }

  function update() {
    const { step, stride } = state;
    const [x, w] = [SIGNALS[state.signal], KERNELS[state.kernel]];
    const y = article.transpose(x, w, { stride });
    const stretched = article.transpose(x, [1], { stride });
    state.position = Math.min(state.position, y.length - 1);
    position.set(state.position, { max: y.length - 1 });
    position.node.hidden = step !== 2;
    back.disabled = step === 0;
    next.disabled = step === 3;
    headline.say(STEPS[step]);
    const axis = { x: [-w.length, N * stride + w.length], y: [0, Math.max(1.1, ...y) * 1.1] };
    const drawn = [drawInput(x, stride, axis)];
    if (step > 0) drawn.push(drawStretched(stretched, w, axis));
    if (step > 1) drawn.push(drawOutput(y, axis));
    charts.replaceChildren(...drawn);
    sentence.say(explain(stretched, w, y));
  }

  function stems(label, values, axis, { spacing = 1, style = () => "input", size = 3.5 } = {}) {
    const plot = chart(label, { ...axis, height: 110 });
    plot.line([[axis.x[0], 0], [axis.x[1], 0]], "axis");
    values.forEach((value, i) => {
      plot.line([[i * spacing, 0], [i * spacing, value]], `stem ${style(i)}`);
      plot.dot(i * spacing, value, style(i), size);
    });
    return plot;
  }

  const drawInput = (x, stride, axis) =>
    panel("Input", stems(`Input: ${list(x)}`, x, axis, { spacing: stride, size: 5 }).node);

  function drawStretched(stretched, w, axis) {
    const plot = stems(`Stretched: ${list(stretched)}`, stretched, axis,
      { style: (i) => (i % state.stride ? "zero" : "input") });
    if (state.step === 2) {
      const first = state.position - w.length + 1;
      plot.box(first - 0.5, state.position + 0.5, 0, axis.y[1], "window");
      [...w].reverse().forEach((tap, t) => plot.below(first + t, { 0.5: "½", 0.25: "¼" }[tap] ?? show(tap), "tap"));
    }
    return panel(state.step === 2 ? "Stretched, and the kernel over it" : "Stretched", plot.node);
  }

  function drawOutput(y, axis) {
    const shown = state.step === 2 ? y.slice(0, state.position + 1) : y;
    const plot = stems(`Output: ${list(shown)}`, shown, axis,
      { style: (o) => `phase-${o % state.stride}` });
    if (state.step === 2) plot.below(state.position, "▲");
    return panel("Output", plot.node);
  }

  function explain(stretched, w, y) {
    if (state.step === 2) {
      const o = state.position;
      const terms = w.map((tap, t) => [tap, stretched[o - t], o - t])
        .filter(([, value, i]) => value !== undefined && i % state.stride === 0).reverse();
      return `Output ${o}: ${terms.map(([tap, value]) => `${show(tap)}·${show(value)}`).join(" + ") || "no input under the kernel"}`
        + ` = ${show(y[o])}.`
        + (terms.length < w.length ? " The other taps meet inserted zeros, or lie outside." : "");
    }
    if (state.step === 3) {
      const gains = article.gains(w, state.stride);
      return `Each phase uses its own taps; their sums are ${list(gains)}. `
        + (equal(gains)
          ? "They are equal: a constant stays constant." : "They differ: a constant gets a pattern.");
    }
    return "";
  }

  update();
  return [
    controls(
      choice("Input", Object.keys(SIGNALS), state.signal, set("signal")),
      choice("Kernel", Object.keys(KERNELS), state.kernel, set("kernel")),
      slider("Stride", { min: 1, max: 3, value: state.stride }, set("stride")).node,
      element("div", { class: "buttons" }, back, next),
    ),
    headline.node, position.node, charts, sentence.node,
  ];
});
