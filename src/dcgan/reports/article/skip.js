// A U-Net's skip: the encoder's picture beside the decoder's, which was halved and upsampled.

const SIZE = 64;
const SKIP = [0.95, 0.5, 0.05];
const DECODER = [0.25, 0.6, 1];

// A disk and a square.
const SCENE = Array.from({ length: SIZE }, (_, i) => Array.from({ length: SIZE }, (__, j) => {
  const disk = Math.hypot(i - 0.36 * SIZE, j - 0.36 * SIZE) < 0.2 * SIZE;
  const square = Math.max(Math.abs(i - 0.68 * SIZE), Math.abs(j - 0.66 * SIZE)) < 0.14 * SIZE;
  return disk || square ? 0.9 : 0.1;
}));

// The mean of each 2×2 block.
function halve(rows) {
  return Array.from({ length: rows.length / 2 }, (_, i) =>
    Array.from({ length: rows.length / 2 }, (__, j) => {
      const [a, b] = [rows[2 * i], rows[2 * i + 1]];
      return (a[2 * j] + a[2 * j + 1] + b[2 * j] + b[2 * j + 1]) / 4;
    }));
}

// The bright pixels with a dark neighbor.
const outline = (rows) => rows.map((row, i) => row.map((value, j) => value >= 0.5
  && [[1, 0], [-1, 0], [0, 1], [0, -1]].some(([a, b]) => (rows[i + a]?.[j + b] ?? 1) < 0.5)));

mount("skip", () => {
  const state = { k: 3, layers: 3 };
  const [skip, decoder, both, difference] = ["half", "half", "half", "half"].map(picture);
  const sentence = message();

  function update() {
    const { k, layers } = state;
    const steps = Array(layers).fill();
    const [padding, output_padding] = [Math.floor((k - 1) / 2), k % 2]; // doubles the size
    const kernel = article.outer(article.binomial(k));
    const small = steps.reduce(halve, SCENE);
    const large = steps.reduce((rows) => upsample(rows, kernel, { stride: 2, padding }), small);
    const [sharp, blurred] = [outline(SCENE), outline(large)];
    skip.draw(SCENE, "The encoder's picture, sharp");
    decoder.draw(large, "The decoder's picture, upsampled");
    both.draw(SCENE, "The outlines of both", (value, i, j) =>
      (blurred[i][j] ? DECODER : sharp[i][j] ? SKIP : 0.1 + value / 5));
    difference.draw(large, "Decoder minus skip: gray where they are equal",
      (value, i, j) => 0.5 + (value - SCENE[i][j]) / 1.6);
    const moved = article.shift(k, 2, padding) * (2 ** layers - 1);
    sentence.say(`kernel_size ${k}, padding ${padding}, output_padding ${output_padding}: `
      + (moved ? `the decoder's picture lies ${show(-moved)} pixels too far left and up.`
        : "both pictures line up."), moved ? "bad" : "good");
  }

  update();
  return [
    controls(
      choice("kernel_size", [2, 3, 4, 5, 6], state.k, (value) => { state.k = value; update(); }),
      slider("Layers", { min: 1, max: 3, value: state.layers },
        (value) => { state.layers = value; update(); }).node,
    ),
    sentence.node,
    element("div", { class: "pair square" }, item("Skip: the encoder's", skip.node),
      item("Decoder: upsampled", decoder.node), item("Skip orange, decoder blue", both.node),
      item("Decoder − skip", difference.node)),
    element("p", { class: "soft" }, "The decoder's picture is the encoder's, halved and then doubled as many times, here with binomial kernels. "
      + "In the difference, blur looks the same on opposite sides of a shape; a shift does not."),
  ];
});
