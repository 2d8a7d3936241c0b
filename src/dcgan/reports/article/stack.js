// Stack: what up to four doubling layers make of a constant.

const KERNELS = {
  "1 1 1": [1, 1, 1],
  "1 2 1": [1, 2, 1],
  "1 1": [1, 1],
  "1 1 1 1": [1, 1, 1, 1],
  "3 1 3 1": [3, 1, 3, 1],
  "1 3 3 1": [1, 3, 3, 1],
  "1 1 1 1 1": [1, 1, 1, 1, 1],
};

// Powers of two with a pattern of their own in y, whose halves differ: [2, 4] for periods 2 and 4.
const periods = (y) => [2, 4, 8, 16].filter((period) => {
  const sums = article.gains(y, period);
  return period <= y.length && sums.some((sum, o) => sum !== sums[(o + period / 2) % period]);
});

mount("stack", () => {
  const state = { layers: 2, kernels: ["1 1 1", "1 1 1", "1 1 1", "1 1 1"] };
  const canvases = state.kernels.map(() => picture("half"));
  const responses = canvases.map((canvas, layer) => item(`After layer ${layer + 1}`, canvas.node));
  const bars = panel("One period along a row of the last layer's output");
  const sentence = message();
  const selects = state.kernels.map((_, layer) => element("label", { class: "select" },
    element("span", {}, `Layer ${layer + 1}`),
    element("select", { autocomplete: "off", change: (event) => { state.kernels[layer] = event.target.value; update(); } },
      ...Object.keys(KERNELS).map((name) => element("option", { value: name }, name)))));

  function update() {
    selects.forEach((select, layer) => { select.hidden = layer >= state.layers; });
    const kernels = state.kernels.slice(0, state.layers).map((name) => KERNELS[name]);
    const y = article.stack(kernels, 2);
    const plot = chart(`One period: ${list(y)}`,
      { x: [-0.6, y.length - 0.4], y: [0, Math.max(...y) * 1.05], height: 170, margin: [16, 6, 20, 6] });
    const fits = y.length * show(Math.max(...y)).length <= 40; // or the numbers would overlap
    y.forEach((value, o) => {
      plot.bar(o, value, 0.42, "input");
      if (fits) plot.text(o, value, show(value), "", -4);
      plot.below(o, String(o), "soft");
    });
    bars.replaceChildren(bars.heading, plot.node);
    responses.forEach((response, layer) => {
      response.hidden = layer >= state.layers;
      const period = article.stack(kernels.slice(0, layer + 1), 2);
      drawResponse(canvases[layer], article.outer([...period, ...period]));
    });
    const found = periods(y);
    const ratio = Math.max(...y) / Math.min(...y);
    sentence.say(found.length === 0 ? "Flat: no pattern."
      : `Largest ÷ smallest: ${show(ratio, 2)} along a row, ${show(ratio ** 2, 2)} in the image. `
        + found.map((period) => `Period ${period} comes from layer ${state.layers + 1 - Math.log2(period)}.`).join(" "),
    found.length ? "bad" : "good");
  }

  update();
  return [
    controls(
      slider("Layers", { min: 1, max: 4, value: state.layers },
        (value) => { state.layers = value; update(); }).node,
      ...selects,
    ),
    sentence.node,
    panels(bars, panel("What becomes of a constant", element("div", { class: "pair square" }, ...responses))),
    element("p", { class: "soft" }, "Layer 1 sees the input; the last layer makes the image. "
      + "A layer's pattern is stretched by every later one."),
  ];
});
