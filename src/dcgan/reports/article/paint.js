// Paint: every input pixel stamps the kernel onto the output; the stamps add up.

const SIZE = 4; // input pixels per axis
const KERNELS = {
  "ones 2×2": article.outer(article.ones(2)),
  "ones 3×3": article.outer(article.ones(3)),
  "ones 4×4": article.outer(article.ones(4)),
  triangle: article.outer([1, 2, 1]),
  "\\ stroke": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  "L": [[1, 0, 0], [1, 0, 0], [1, 1, 1]],
};

mount("paint", () => {
  const state = { x: article.zeros(SIZE, SIZE), kernel: KERNELS.L, stride: 2, stamps: 0 };
  state.x[0][0] = 1;
  state.x[1][1] = 2;
  state.x[1][2] = 1;
  let chosen = [4, 4]; // the output pixel that is explained
  let pointed = null; // the input pixel under the pointer

  const input = pixels("Input", {
    press: pressInput,
    point: (i, j) => { pointed = i === null ? null : [i, j]; update(); },
  });
  const kernel = pixels("Kernel", { press: pressKernel });
  const output = pixels("Output", {
    point: (u, v) => { if (u !== null) { chosen = [u, v]; update(); } },
  });
  const row = pixels("Row of the matrix");
  const sentence = message();
  const entries = panel("The row of the matrix", row.node, element("p", { class: "soft" },
    "One entry per input pixel, in the input's order. This row times the input is the output pixel."));
  const counter = slider("Stamps so far", { min: 0, max: 3, value: 3 },
    (value) => { state.stamps = value; update(); });

  function pressInput(i, j, change) {
    state.x[i][j] = cycled(state.x[i][j], change);
    all();
  }

  function pressKernel(i, j, change) {
    state.kernel = state.kernel.map((line) => [...line]);
    state.kernel[i][j] = cycled(state.kernel[i][j], change);
    update();
  }

  const lit = () => state.x.flatMap((line, i) => line.map((value, j) => [i, j, value]))
    .filter(([, , value]) => value !== 0);

  // Show all stamps again after the input has changed.
  function all() {
    state.stamps = lit().length;
    counter.set(state.stamps, { max: state.stamps });
    update();
  }

  // The tap with which input (i, j) reaches output (u, v): { place, value } or undefined.
  function tap([i, j], [u, v]) {
    const [a, b] = [u - state.stride * i, v - state.stride * j];
    return state.kernel[a] && state.kernel[a][b] !== undefined
      ? { place: [a, b], value: state.kernel[a][b] } : undefined;
  }

  function update() {
    const shown = article.zeros(SIZE, SIZE);
    for (const [i, j, value] of lit().slice(0, state.stamps)) shown[i][j] = value;
    const y = article.transpose2d(shown, state.kernel, { stride: state.stride });
    chosen = chosen.map((place) => Math.min(place, y.length - 1));
    const reaching = (i, j) => (pointed ? undefined : tap([i, j], chosen));
    const used = new Set(shown.flatMap((line, i) => line.map((_, j) => reaching(i, j)))
      .filter(Boolean).map(({ place }) => String(place)));
    input.draw(state.x, {
      largest: 2, marked: (i, j) => Boolean(reaching(i, j)) || String(pointed) === `${i},${j}`,
      faded: (i, j) => shown[i][j] !== state.x[i][j],
    });
    kernel.draw(state.kernel, { largest: 2, marked: (a, b) => used.has(`${a},${b}`) });
    output.draw(y, {
      marked: (u, v) => (pointed ? Boolean(tap(pointed, [u, v])) : String(chosen) === `${u},${v}`),
    });
    row.draw([shown.flatMap((line, i) => line.map((_, j) => tap([i, j], chosen)?.value ?? 0))],
      { largest: 2 });
    const [u, v] = chosen;
    entries.heading.textContent =
      `Row ${u * y.length + v} of the ${y.length ** 2} × ${SIZE ** 2} matrix: output row ${u}, column ${v} (from 0)`;
    sentence.say(explain(shown, y));
  }

  function explain(shown, y) {
    if (pointed) {
      const value = shown[pointed[0]][pointed[1]];
      return `This input pixel adds ${show(value)} times the kernel at the outlined place.`;
    }
    const [u, v] = chosen;
    const terms = shown.flatMap((line, i) => line.map((value, j) => [value, tap([i, j], chosen)]))
      .filter(([, found]) => found);
    const products = terms.map(([value, found]) => `${show(found.value)}·${show(value)}`);
    return `Output row ${u}, column ${v} is reached by ${terms.length} input `
      + `pixel${terms.length === 1 ? "" : "s"}`
      + (terms.length ? `. Tap · input: ${products.join(" + ")} = ${show(y[u][v])}.` : ": it stays 0.");
  }

  all();
  return [
    controls(
      slider("Stride", { min: 1, max: 3, value: state.stride },
        (value) => { state.stride = value; update(); }).node,
      counter.node,
      element("div", { class: "buttons", role: "group", "aria-label": "Kernels" },
        element("span", {}, "Kernel"),
        ...Object.entries(KERNELS).map(([name, taps]) =>
          button(name, () => { state.kernel = taps; update(); }))),
      element("div", { class: "buttons" },
        button("All inputs 1", () => { state.x = article.outer(article.ones(SIZE)); all(); }),
        button("Clear", () => { state.x = article.zeros(SIZE, SIZE); all(); })),
    ),
    sentence.node,
    panels(
      panel("Input", input.node),
      panel("Kernel", kernel.node),
      panel("Output: the stamps, added up", output.node),
    ),
    element("p", { class: "soft" }, "Click on an input pixel or a tap: 0 becomes 1, then 2, −1 and 0 again; + and − change it by 1. "
      + "Point at an output pixel, or touch it, to outline the inputs and taps that reach it."),
    entries,
  ];
});
