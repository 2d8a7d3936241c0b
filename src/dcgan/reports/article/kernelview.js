// A kernel, the gain of each phase, and what it makes of a constant.

const item = (text, node) =>
  element("div", { class: "item" }, element("div", { class: "soft" }, text), node);

// factor: the numbers are shown times this. extra: nodes beside the response.
function kernelView(title, { press, factor = 1, extra = [] } = {}) {
  const digits = factor === 1 ? 2 : 1;
  const times = factor === 1 ? "" : ` × ${factor}`;
  const kernel = pixels(`Kernel, ${title}`, { press });
  const gains = pixels(`Gains, ${title}`);
  const constant = picture("half");
  const node = panel(title,
    element("div", { class: "pair" }, item(press ? "Kernel: click a tap" : `Kernel${times}`, kernel.node),
      item(`Gains${times}`, gains.node)),
    element("div", { class: "pair" }, item("A constant becomes", constant.node), ...extra));
  node.classList.add("view");
  const scaled = (rows) => rows.map((row) => row.map((value) => factor * value));

  // Returns the gains. largest: the tap that gets full color.
  function draw(w, stride, largest) {
    const g = article.gains2d(w, stride);
    const strongest = Math.max(1e-12, ...g.flat().map(Math.abs));
    kernel.draw(scaled(w), { largest: largest && factor * largest, digits });
    gains.draw(scaled(g), { largest: 2 * factor * strongest, digits });
    drawResponse(constant, article.transpose2d(article.outer(article.ones(10)), w,
      { stride, padding: w.length - 1 }));
    return g.flat();
  }
  return { node, draw };
}

// The kernels of a trained run: [{name, stride, before, after}], or none.
const data = document.getElementById("kernels");
const trained = data ? JSON.parse(data.textContent) : [];
