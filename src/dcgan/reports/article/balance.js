// Balance: make the gains of a kernel equal, and the checkerboard is gone.

const SCENE = scene(24);
const STARTS = {
  "ones 3×3": { stride: 2, make: () => article.outer(article.ones(3)) },
  "3 1 3 1": { stride: 2, make: () => article.outer([3, 1, 3, 1]) },
  "random 4×4": { stride: 2, make: () => random(4) },
  "random 5×5, stride 3": { stride: 3, make: () => random(5) },
  ...Object.fromEntries(trained.map(({ name, stride, after }) => [`${name}, trained`, { stride, make: () => after }])),
};

// Like a kernel in training: a bump and noise.
function random(k) {
  const bump = article.outer(article.binomial(k));
  return bump.map((row) => row.map((tap) => Math.round(20 * (tap + 0.5 * Math.random() - 0.25)) / 20));
}

// A kernel with what it makes of a constant and of the picture.
function column(title, press) {
  const photo = picture("half");
  const view = kernelView(title, { press, extra: [item("A picture becomes", photo.node)] });
  function draw(w, stride, largest) {
    const gains = view.draw(w, stride, largest);
    // Divided by the mean gain, so that the brightness stays.
    const mean = article.sum(gains) / gains.length || 1;
    const padding = Math.floor((w.length - stride) / 2);
    photo.draw(upsample(SCENE, w.map((row) => row.map((tap) => tap / mean)), { stride, padding }),
      "The picture, upsampled");
    return gains;
  }
  return { node: view.node, draw };
}

mount("balance", () => {
  const state = { ...STARTS["ones 3×3"], w: STARTS["ones 3×3"].make(), balanced: false };
  const before = column("Before", (i, j, change) => {
    const w = state.w.map((row) => [...row]);
    w[i][j] = cycled(w[i][j], change);
    start({ w });
  });
  const after = column("After");
  const changes = pixels("What Balance changed");
  const changed = panel("What changed: after − before", changes.node);
  const sentence = message();
  const toggle = button("Balance", () => { state.balanced = !state.balanced; update(); },
    { class: "primary" });

  function start(next) {
    Object.assign(state, next, { balanced: false });
    update();
  }

  function update() {
    const { w, stride, balanced } = state;
    const largest = Math.max(...w.flat().map(Math.abs));
    const gains = before.draw(w, stride, largest);
    toggle.textContent = balanced ? "Undo" : "Balance";
    const reached = !article.coverage(w.length, stride).includes(0);
    toggle.disabled = !reached;
    after.node.hidden = !balanced;
    changed.hidden = !balanced;
    if (balanced) {
      const result = article.balance2d(w, stride);
      const difference = result.map((row, i) => row.map((tap, j) => tap - w[i][j]));
      const [gain] = after.draw(result, stride, largest);
      changes.draw(difference, { largest });
      sentence.say(summary(gain, w, difference), "good");
    } else if (equal(gains)) {
      sentence.say(`The gains are all ${show(gains[0])}: nothing to balance.`, "good");
    } else {
      sentence.say(`The gains are ${list(gains, 2)}: a constant becomes a checkerboard. `
        + (reached ? "Press Balance." : "Some outputs get no tap, so it cannot be balanced."), "bad");
    }
  }

  function summary(gain, w, difference) {
    const norm = (rows) => Math.hypot(...rows.flat());
    const [numTaps, given] = [w.length ** 2, state.stride ** 2 - 1];
    return `Every gain is now ${show(gain)}. `
      + `The kernel moved by ${show((100 * norm(difference)) / (norm(w) || 1), 0)} % of its norm, the least that makes the gains equal. `
      + `${numTaps - given} of its ${numTaps} numbers stay free; ${given} are given up.`;
  }

  update();
  return [
    controls(
      element("div", { class: "buttons", role: "group", "aria-label": "Kernels" },
        element("span", {}, "Kernel"),
        ...Object.entries(STARTS).map(([name, { stride, make }]) =>
          button(name, () => start({ w: make(), stride })))),
      toggle,
    ),
    sentence.node, panels(before.node, after.node, changed),
  ];
});
