// Geometry: kernel size, stride, padding, output padding and dilation, and what follows from them.

const N = 8;
const KERNELS = {
  ones: (k) => article.ones(k),
  binomial: (k) => article.binomial(k),
  irregular: (k) => Array.from({ length: k }, (_, t) => 0.6 + Math.sin(12.9 * t + 2) * 0.5),
};

mount("geometry", () => {
  const state = { k: 3, stride: 2, padding: 1, output_padding: 1, dilation: 1, kernel: "ones" };
  const [size, verdict] = [message(), message()];
  const canvas = picture();
  const tile = pixels("Gains in two dimensions");
  const drawings = panels();
  const response = panel("Response to a constant image", canvas.node);
  let wished = state.output_padding; // a smaller stride may not allow it
  const sliders = {};
  const control = (name, label, min, max) => {
    sliders[name] = slider(label, { min, max, value: state[name] }, (value) => {
      state[name] = value;
      if (name === "output_padding") wished = value;
      update();
    });
    return sliders[name].node;
  };

  function update() {
    // torch's own limit.
    const limit = Math.max(state.stride, state.dilation) - 1;
    state.output_padding = Math.min(wished, limit);
    sliders.output_padding.set(state.output_padding, { max: limit });
    const { k, stride, dilation } = state;
    const w = KERNELS[state.kernel](k);
    const gains = article.gains(w, stride, dilation);
    const coverage = article.coverage(k, stride, dilation);
    const outputs = article.outputSize(N, k, state);
    size.say(sizeSentence(outputs), outputs === N * stride ? "good" : "");
    const y = article.transpose(article.ones(N), w, state);
    drawings.replaceChildren(
      panel("Stamps on the output, and how many overlap", footprints(outputs),
        element("div", { class: "soft" }, "Gray: the taps of each stamp; dashed: cropped. Bars: how many taps reach an output, colored by phase.")),
      panel("Gain: sum of a phase's taps", phases(gains, coverage), element("div", { class: "soft" },
        "In an image, rows times columns:"), tile.node),
      response,
    );
    const gains2d = article.outer(gains);
    tile.draw(gains2d, { largest: 2 * Math.max(...gains2d.flat().map(Math.abs)) });
    drawResponse(canvas, article.outer(y), equal(gains2d.flat()));
    judge(coverage, gains);
  }

  function sizeSentence(outputs) {
    const { k, stride, padding, output_padding, dilation } = state;
    const formula = `Output size: (${N} − 1)·${stride} − 2·${padding} + ${dilation}·(${k} − 1) + ${output_padding} + 1 = ${show(outputs)}. `;
    const scale = { 1: "keep the size", 2: "double" }[stride] ?? `scale by ${stride}`;
    const reached = stride === 1 ? "the same size" : `exactly ${stride} times`;
    if (outputs === N * stride) return `${formula}${N} → ${outputs}: ${reached}.`;
    const needed = stride + 2 * padding - dilation * (k - 1) - 1;
    const possible = needed >= 0 && needed < Math.max(stride, dilation);
    if (stride === 1 && dilation === 1 && k % 2 === 0) {
      return `${formula}At stride 1, no padding keeps the size with an even kernel.`;
    }
    return `${formula}Does not ${scale} exactly: that takes ${N * stride}. `
      + (possible ? `Set output_padding to ${needed}.`
        : `No output_padding helps at padding ${padding}; one does at padding ${Math.max(0, Math.ceil((dilation * (k - 1) + 1 - stride) / 2))}.`);
  }

  function judge(coverage, gains) {
    const dead = coverage.filter((count) => count === 0).length;
    const taps = `Coverage ${list(coverage)}; gains ${list(gains)}. `;
    if (dead) verdict.say(`${taps}Nothing reaches ${dead} of ${state.stride} phases: holes.`, "bad");
    else if (!equal(gains)) verdict.say(`${taps}The gains differ: a checkerboard of period ${state.stride}.`, "bad");
    else verdict.say(`${taps}The gains are equal: no checkerboard (away from the border).`, "good");
  }

  function footprints(outputs) {
    const { k, stride, padding, dilation } = state;
    const full = (N - 1) * stride + dilation * (k - 1) + 1;
    const [from, to] = [-padding, Math.max(outputs, full - padding)];
    const count = Array(to - from).fill(0);
    const most = k + 1;
    const plot = chart("One row of blocks per input pixel; below, the count per output pixel",
      { x: [from - 0.5, to - 0.5], y: [-most, N], height: 190, margin: [6, 6, 6, 6] });
    plot.box(-0.5, outputs - 0.5, -most, N, "inside");
    for (let i = 0; i < N; i += 1) {
      for (let t = 0; t < k; t += 1) {
        const o = stride * i - padding + dilation * t;
        const cropped = o < 0 || o >= outputs;
        plot.box(o - 0.45, o + 0.45, N - i - 0.9, N - i - 0.1, cropped ? "cropped" : "block");
        if (!cropped) count[o - from] += 1;
      }
    }
    for (let o = 0; o < outputs; o += 1) {
      plot.box(o - 0.45, o + 0.45, -most, -most + count[o - from] * 0.95,
        `phase-${(o + padding) % stride}`);
    }
    return plot.node;
  }

  function phases(gains, coverage) {
    const y = [0, Math.max(1, ...gains)];
    const plot = chart(`Gains by phase: ${list(gains)}`,
      { x: [-0.6, gains.length - 0.4], y, width: 240, height: 190, margin: [18, 8, 36, 8] });
    gains.forEach((gain, r) => {
      plot.bar(r, gain, 0.35, `phase-${r}`);
      plot.text(r, gain, show(gain), "", -4);
      plot.below(r, `phase ${r}`);
      plot.text(r, 0, `${coverage[r]} tap${coverage[r] === 1 ? "" : "s"}`, "soft", 30);
    });
    return plot.node;
  }

  const nodes = [
    controls(
      control("k", "kernel_size", 1, 7),
      control("stride", "stride", 1, 4),
      control("padding", "padding", 0, 3),
      control("output_padding", "output_padding", 0, 1),
      control("dilation", "dilation", 1, 3),
      choice("Taps", { ones: "all ones", binomial: "binomial", irregular: "irregular" }, state.kernel,
        (value) => { state.kernel = value; update(); }),
    ),
    size.node, verdict.node, drawings,
  ];
  update();
  return nodes;
});
