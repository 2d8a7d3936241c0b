// Kernels of an untrained network and of a trained run, and what they make of a constant.

// The share of the response's energy that is a pattern: ρ of this one kernel.
function unevenness(gains) {
  const mean = article.sum(gains) / gains.length;
  const energy = article.sum(gains.map((gain) => gain * gain)) / gains.length;
  return energy ? 1 - (mean * mean) / energy : 0;
}

mount("kernels", () => {
  const before = kernelView("Untrained", { factor: 100 });
  const after = kernelView("Trained", { factor: 100 });
  const sentence = message();
  let shown = trained[trained.length - 1];

  function update() {
    const share = (view, w) => show(100 * unevenness(view.draw(w, shown.stride)), 1);
    sentence.say(`${shown.name}: of its response to a constant, a pattern takes `
      + `${share(before, shown.before)} % of the energy before training and ${share(after, shown.after)} % after.`);
  }

  update();
  return [
    controls(choice("Layer", trained.map(({ name }) => name), shown.name,
      (name) => { shown = trained.find((layer) => layer.name === name); update(); })),
    sentence.node, panels(before.node, after.node),
  ];
});
