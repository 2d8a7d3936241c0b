// Spectrum: stretching copies the spectrum; the kernel has to remove the copies.

const N = 16; // input samples; everything is periodic
const KERNELS = {
  none: () => [1],
  nearest: (s) => article.ones(s),
  linear: (s) => Array.from({ length: 2 * s - 1 }, (_, t) => 1 - Math.abs(t - s + 1) / s),
  uneven: (s) => article.ones(s + 1),
};

// |Σ_n x[n]·exp(−2πi f n / N)| for every f.
function magnitudes(x) {
  const along = (wave, f) => article.sum(x.map((value, n) => value * wave((2 * Math.PI * f * n) / x.length)));
  return x.map((_, f) => Math.hypot(along(Math.cos, f), along(Math.sin, f)));
}

// How much of each wave there is, from 0 to the fastest.
const amplitudes = (x) => magnitudes(x).slice(0, x.length / 2 + 1).map((value) => value / x.length);

// sin(πt/s)/(πt/s), made periodic: every copy removed, nothing else.
function ideal(s) {
  return Array.from({ length: N * s }, (_, n) => {
    let value = 1;
    for (let f = 1; f < N / 2; f += 1) value += 2 * Math.cos((2 * Math.PI * f * n) / (N * s));
    return (value + Math.cos((Math.PI * n) / s)) / N;
  });
}

// The taps around position 0 of a periodic signal of N·s samples.
function circular(name, s) {
  if (name === "ideal") return ideal(s);
  const taps = KERNELS[name](s);
  const placed = Array(N * s).fill(0);
  const middle = Math.floor((taps.length - 1) / 2);
  taps.forEach((tap, t) => { placed[(t - middle + N * s) % (N * s)] += tap; });
  return placed;
}

mount("spectrum", () => {
  const state = { waves: 2, stride: 2, kernel: "uneven" };
  const charts = panels();
  const sentence = message();
  const set = (name) => (value) => { state[name] = value; update(); };

  function update() {
    const { waves, stride } = state;
    const length = N * stride;
    const x = Array.from({ length: N }, (_, n) => 1 + (waves ? 0.6 * Math.cos((2 * Math.PI * waves * n) / N) : 0));
    const stretched = Array.from({ length }, (_, n) => (n % stride ? 0 : x[n / stride]));
    const h = circular(state.kernel, stride);
    const smooth = article.gains(article.transpose(stretched, h), length); // periodic
    const passed = magnitudes(h).map((value) => value / stride);
    charts.replaceChildren(
      column("1. Input", x, stride),
      column("2. Stretched: copies appear", stretched, 1, passed.slice(0, length / 2 + 1)),
      column("3. Smoothed by the kernel", smooth, 1),
    );
    const images = Array.from({ length: stride - 1 }, (_, m) => passed[N * (m + 1)]);
    const left = Math.max(...images) / passed[0];
    sentence.say(left > 1e-9
      ? `The copies of the constant sit at ${copies(stride)} waves per pixel: a pattern of period ${stride}. `
        + `This kernel leaves them ${show(100 * left, 0)} % as strong as the constant.`
      : `The kernel is 0 at ${copies(stride)} waves per pixel, where the copies of the constant sit: no checkerboard.`,
    left > 1e-9 ? "bad" : "good");
  }

  // m/stride for m = 1 … stride/2, reduced.
  const copies = (stride) => Array.from({ length: Math.floor(stride / 2) }, (_, i) => i + 1)
    .map((m) => (stride % m ? `${m}/${stride}` : `1/${stride / m}`)).join(" and ");

  // A signal above its spectrum. spacing: output pixels per sample.
  function column(title, x, spacing, response) {
    const top = chart(`${title}: the signal`,
      {
        x: [-1, N * state.stride], y: [Math.min(0, ...x), Math.max(2, ...x)],
        width: 250, height: 90, margin: [8, 6, 8, 6],
      });
    top.line([[-1, 0], [N * state.stride, 0]], "axis");
    x.forEach((value, n) => {
      top.line([[n * spacing, 0], [n * spacing, value]], "stem");
      top.dot(n * spacing, value, "ink", 2.2);
    });
    const heights = amplitudes(x);
    const half = (N * state.stride) / 2;
    const bottom = chart(`${title}: amplitudes by frequency; 0: ${show(heights[0])}`,
      { x: [-1, half + 1], y: [0, 1.6], width: 250, height: 110, margin: [8, 8, 20, 8] });
    bottom.line([[-1, 0], [half + 1, 0]], "axis");
    // Stretching spreads the same sum over s times as many samples: scaled back.
    const scale = response ? state.stride : 1;
    heights.forEach((height, f) => {
      if (height > 1e-9) bottom.bar(f, height * scale, 0.3, f < N / 2 ? "input" : "image");
    });
    if (response) bottom.line(response.map((value, f) => [f, value]), "curve");
    bottom.below(0, "0");
    bottom.below(half, "1/2");
    bottom.below(half / 2, "waves per output pixel", "soft");
    return panel(title, element("div", { class: "pair" }, top.node, bottom.node));
  }

  update();
  return [
    controls(
      slider("Waves in the input", { min: 0, max: N / 2 - 1, value: state.waves }, set("waves")).node,
      slider("Stride", { min: 2, max: 4, value: state.stride }, set("stride")).node,
      choice("Kernel", {
        none: "none", nearest: "stride ones", uneven: "stride + 1 ones", linear: "triangle", ideal: "ideal",
      }, state.kernel, set("kernel")),
    ),
    sentence.node, charts,
    element("p", { class: "soft" }, "Any signal is a sum of waves; a bar says how much of one there is. "
      + "0 is the constant part; far right, at 1/2, is up, down, up, down: the finest checkerboard. "
      + "Blue: the input's waves. Orange: their copies. Line: what the kernel multiplies each wave by, divided by the stride; “ideal” removes every copy and nothing else."),
  ];
});
