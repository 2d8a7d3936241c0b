// Alignment: where the input's pixels belong on the output, and where the layer puts them.

const N = 4;

mount("alignment", () => {
  const state = { k: 3, stride: 2, padding: 1, dilation: 1, layers: 3, grid: "image" };
  const [sentence, stacked] = [message(), message()];
  const board = panel("Two grids on the output's pixels");
  const control = (name, label, min, max) => slider(label, { min, max, value: state[name] },
    (value) => { state[name] = value; update(); }).node;

  function update() {
    const { k, stride, padding, dilation, layers } = state;
    const image = state.grid === "image";
    // By index, pixel i belongs at output s·i, (s − 1)/2 before the middle of its s pixels.
    const moved = article.shift(k, stride, padding, dilation) + (image ? 0 : (stride - 1) / 2);
    board.replaceChildren(board.heading, draw(moved, image));
    const formula = image ? "(d(k − 1) + 1 − s − 2p)/2" : "(d(k − 1) − 2p)/2";
    sentence.say(`One layer moves the picture by ${formula} = ${show(moved)} output pixels: ${direction(moved)}.`,
      moved === 0 ? "good" : "bad");
    const steps = Array.from({ length: layers }, (_, layer) => stride ** layer);
    stacked.say(`${layers} such layer${layers === 1 ? "" : "s"}: ${show(moved)}·(${steps.join(" + ")}) = `
      + `${show(moved * article.sum(steps))} pixels of the final image.`);
  }

  function direction(moved) {
    if (moved === 0) return "not at all";
    return moved > 0 ? "right and down" : "left and up";
  }

  // Output pixel o covers o to o + 1.
  function draw(moved, image) {
    const { k, stride, padding, dilation } = state;
    const side = N * stride;
    const first = stride - padding; // where the stamp of input pixel 1 starts
    const from = Math.min(0, first, moved) - 0.5;
    const to = Math.max(side, first + dilation * (k - 1) + 1, side + moved) + 0.5;
    const plot = chart(`The grid of the input's pixels, and the same moved by ${show(moved)} output pixels`,
      { x: [from, to], y: [to, from], width: 340, height: 340, margin: [2, 2, 2, 2] });
    const grid = (step, offset, style) => {
      for (let place = 0; place <= side; place += step) {
        plot.line([[place + offset, offset], [place + offset, side + offset]], style);
        plot.line([[offset, place + offset], [side + offset, place + offset]], style);
      }
    };
    grid(1, 0, "thin");
    for (let t = 0; t < k; t += 1) {
      for (let u = 0; u < k; u += 1) {
        const [v, h] = [first + dilation * t, first + dilation * u];
        plot.box(h, h + 1, v + 1, v, "stamp");
      }
    }
    grid(stride, 0, "thick");
    grid(stride, moved, "moved");
    const home = stride + (image ? stride / 2 : 0.5);
    plot.line([[home, home], [home + moved, home + moved]], "arrow");
    plot.dot(home, home, "target", 5);
    plot.dot(home + moved, home + moved, "landing", 4);
    return plot.node;
  }

  update();
  return [
    controls(
      control("k", "kernel_size", 1, 6),
      control("stride", "stride", 1, 4),
      control("padding", "padding", 0, 3),
      control("dilation", "dilation", 1, 2),
      control("layers", "Layers", 1, 4),
      choice("Input pixel i belongs", { image: "on its s output pixels", index: "at output s·i" },
        state.grid, (value) => { state.grid = value; update(); }),
    ),
    sentence.node, stacked.node,
    panels(board, element("ul", { class: "legend" },
      element("li", {}, element("span", { class: "key thick" }), "where the input's pixels belong"),
      element("li", {}, element("span", { class: "key moved" }), "where the layer puts them"),
      element("li", {}, element("span", { class: "key thin" }), "the output's pixels"),
      element("li", {}, element("span", { class: "key stamp" }), "the stamp of one input pixel"),
      element("li", {}, "Ring: where that pixel belongs. Dot: the middle of its stamp."))),
  ];
});
