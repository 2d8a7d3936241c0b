// Kernels of a trained run, before and after training, and what they make of a constant.
// Read from <script type="application/json" id="kernels">: [{name, stride, before, after}].

const { choice, controls, kernelView, message, mount, panels, show } = article.ui;

// The share of the response's energy that is a pattern: ρ of this one kernel.
function unevenness(gains) {
  const mean = article.sum(gains) / gains.length;
  const energy = article.sum(gains.map((gain) => gain * gain)) / gains.length;
  return energy ? 1 - (mean * mean) / energy : 0;
}

mount("kernels", (figure) => {
  const data = document.getElementById("kernels");
  const layers = data ? JSON.parse(data.textContent) : [];
  figure.hidden = layers.length === 0;
  if (figure.hidden) return null;

  const before = kernelView("Before training", { factor: 100 });
  const after = kernelView("After training", { factor: 100 });
  const sentence = message();
  let shown = layers[layers.length - 1];

  function update() {
    const share = (view, w) => show(100 * unevenness(view.draw(w, shown.stride)), 1);
    sentence.say(`${shown.name}: of its response to a constant, a pattern takes `
      + `${share(before, shown.before)} % of the energy before training and ${share(after, shown.after)} % after.`);
  }

  update();
  return [
    controls(choice("Layer", Object.fromEntries(layers.map(({ name }) => [name, name])), shown.name,
      (name) => { shown = layers.find((layer) => layer.name === name); update(); })),
    sentence.node, panels(before.node, after.node),
  ];
});
