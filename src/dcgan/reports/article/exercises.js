// Ten exercises; every answer is checked by computing.

const close = (a, b) => Math.abs(a - b) < 1e-6;
const same = (a, b) => a.length === b.length && a.every((value, i) => close(value, b[i]));
const fields = (...labels) => labels.map((label) => ({ label }));
const taps = (...values) => values.map((value, t) => ({ label: `tap ${t}`, value }));
const rotations = (values) => values.map((_, at) => [...values.slice(at), ...values.slice(0, at)]);

// A kernel with small integer taps; every other one has equal gains.
function unseen() {
  const k = 3 + Math.floor(4 * Math.random());
  const w = Array.from({ length: k }, () => Math.floor(9 * Math.random()) - 2);
  return Math.random() < 1 / 2 ? w : repaired(w);
}

// Change one tap so that both gains are equal.
function repaired(w) {
  const [a, b] = article.gains(w, 2);
  return w.map((tap, t) => (t === 1 ? tap + a - b : tap));
}

const TILE = article.stack([[1, 1, 1], [1, 1, 1]], 2); // two layers

// A column of the matrix: what input i alone becomes.
const impulse = (i) => article.transpose([0, 1, 2, 3].map((at) => Number(at === i)), [1, 2, 3], { stride: 2 });

const EXERCISES = [
  {
    title: "A padding that doubles",
    question: "kernel_size = 6, stride = 2, output_padding = 0, dilation = 1. Which padding makes the output exactly twice as large?",
    fields: fields("padding"),
    check: ([padding]) => {
      const outputs = article.outputSize(8, 6, { stride: 2, padding });
      return outputs === 16 || `With padding ${show(padding)}, 8 pixels become ${show(outputs)}, not 16.`;
    },
    hint: "Output size = (n − 1)·stride − 2·padding + (kernel_size − 1) + output_padding + 1. Set it to 2n.",
    why: "2n − 2 − 2p + 5 + 1 = 2n gives p = 2. In general an output doubles exactly where output_padding = 2 + 2p − k.",
  },
  {
    title: "Count the taps",
    question: "kernel_size = 5, stride = 3. How many taps reach an output pixel of phase 0, 1 and 2, along one axis?",
    fields: fields("phase 0", "phase 1", "phase 2"),
    check: (answers) => same(answers, article.coverage(5, 3))
      || "Not quite. Tap t reaches phase t mod 3, and the three counts add up to 5.",
    hint: "Write the tap numbers 0 1 2 3 4 and below each its remainder when divided by 3.",
    why: `Taps 0 and 3 reach phase 0, taps 1 and 4 phase 1, tap 2 phase 2: ${list(article.coverage(5, 3))}. 3 does not divide 5, so the coverage is uneven.`,
  },
  {
    title: "Three taps without a checkerboard",
    question: "Find a kernel of size 3 that leaves no checkerboard at stride 2. No tap may be 0.",
    fields: taps("1", "1", "1"),
    check: (w) => {
      const gains = article.gains(w, 2);
      if (w.includes(0)) return "A tap is 0.";
      return equal(gains) || `The gains are ${list(gains)}: not equal.`;
    },
    hint: "Even outputs get taps 0 and 2, odd outputs get tap 1.",
    why: "Any kernel with tap 0 + tap 2 = tap 1 will do, for example 1, 2, 1. Its coverage is uneven (2 and 1 taps), but its gains are equal, and gains decide.",
  },
  {
    title: "Change one tap",
    question: "3, 1, 3, 1 has even coverage at stride 2, and yet a checkerboard. Change exactly one tap so that it has none.",
    fields: taps("3", "1", "3", "1"),
    check: (w) => {
      const changed = w.filter((tap, t) => tap !== [3, 1, 3, 1][t]).length;
      if (changed !== 1) return `You changed ${changed} taps.`;
      return equal(article.gains(w, 2)) || `The gains are ${list(article.gains(w, 2))}: not equal.`;
    },
    hint: "Phase 0 has taps 0 and 2, with sum 6. Phase 1 has taps 1 and 3, with sum 2.",
    why: "Raise a 1 to 5 or lower a 3 to −1: both gains are then 6, or both 2. Even coverage alone does not decide, since the taps are learned.",
  },
  {
    title: "A kernel you have not seen",
    make: () => {
      const w = unseen();
      const gains = article.gains(w, 2);
      return {
        question: `Stride 2, kernel ${list(w)}. Does a constant come out with a checkerboard?`,
        fields: [{ label: "Checkerboard", options: ["yes", "no"] }],
        check: ([answer]) => (answer === "no") === equal(gains) || `The gains are ${list(gains)}.`,
        hint: "Add up every other tap, starting with the first; then the others. Are both sums equal?",
        why: `Taps 0, 2, … add up to ${show(gains[0])}, taps 1, 3, … to ${show(gains[1])}: ${equal(gains) ? "equal, so no checkerboard" : "not equal, so a checkerboard"}.`,
      };
    },
  },
  {
    title: "A row of the matrix",
    question: "Four inputs, kernel 1, 2, 3, stride 2, padding 0: nine outputs. The transposed convolution is a 9 × 4 matrix. Write its row 2, which makes output 2 (counting from 0).",
    fields: fields("input 0", "input 1", "input 2", "input 3"),
    check: (row) => same(row, [0, 1, 2, 3].map((i) => impulse(i)[2]))
      || "Not quite. Input i lands its taps on outputs 2i, 2i + 1 and 2i + 2.",
    hint: "Which inputs reach output 2, and with which tap? Input i reaches output o with tap o − 2i.",
    why: "Input 0 reaches output 2 with tap 2, which is 3; input 1 with tap 0, which is 1: the row is 3, 1, 0, 0. Columns are stamps, rows are what an output collects.",
  },
  {
    title: "Two layers in a row",
    question: "Two layers, each with kernel 1, 1, 1 and stride 2, get a constant 1. Far from the border the output repeats every 4 pixels. Which four numbers? Start anywhere in the period.",
    fields: fields("first", "second", "third", "fourth"),
    check: (answers) => rotations(TILE).some((turned) => same(turned, answers))
      || "Not quite. The first layer turns 1, 1, 1, … into 2, 1, 2, 1, … What does the second make of that?",
    hint: "Even outputs of a layer add up two neighbors; odd outputs copy one input. Apply this to 2, 1, 2, 1, …",
    why: `${list(TILE)}: the sums of neighbors are all 3, the copies are 2 and 1. The worst ratio grows with every layer: 2, 3, 5, 8 (the Fibonacci numbers).`,
  },
  {
    title: "Which layer is it?",
    question: "A generator has three layers that double. A constant comes out with a pattern of period 4 and none of period 2 or 8. Which layer has unequal gains?",
    fields: [{ label: "Layer", options: { 0: "first", 1: "second", 2: "third, which makes the image" } }],
    check: ([layer]) => {
      const kernels = [0, 1, 2].map((at) => (at === Number(layer) ? [1, 1, 1] : [1, 2, 1]));
      const y = article.stack(kernels, 2);
      const period = [1, 2, 4, 8].find((length) => y.every((value, o) => close(value, y[(o + length) % 8])));
      return period === 4 || `That layer alone makes a pattern of period ${period}.`;
    },
    hint: "A layer's own pattern has period 2 in its output. Each later layer doubles that.",
    why: "The second: period 2 in its own output, then doubled once. The last layer makes period 2, the one before 4, the first 8.",
  },
  {
    title: "Holes",
    question: "kernel_size = 2, stride = 3, in an image (two axes). Away from the border, what share of the output pixels is reached by no input at all?",
    fields: fields("share"),
    check: ([share]) => {
      const reached = article.coverage(2, 3).filter((count) => count > 0).length / 3;
      return Math.abs(share - (1 - reached ** 2)) < 0.005 || (close(share, 1 - reached)
        ? "That is the share along one axis. A pixel needs both its row and its column."
        : "Not quite. Count in a tile of 3×3 output pixels.");
    },
    hint: "Draw a 3×3 tile of outputs and the 2×2 stamp that falls into it.",
    why: "The 2×2 stamp fills 4 of 9 pixels; 5/9 stay empty: 1 − (k/s)². No training can fill them, except with the bias.",
  },
  {
    title: "Where the picture lands",
    question: "kernel_size = 3, stride = 2, padding = 1, output_padding = 1, three times in a row. By how many pixels of the final image is the picture moved? Right and down is positive.",
    fields: fields("pixels"),
    check: ([pixels]) => {
      const one = article.shift(3, 2, 1);
      if (close(pixels, 7 * one)) return true;
      if (close(pixels, -7 * one)) return "The size is right, the direction is not.";
      return close(pixels, 3 * one) ? "The first layer's shift is doubled by each later layer." : "Not quite.";
    },
    hint: "One layer: (k − s − 2p)/2 output pixels. The first layer's shift is doubled twice, the second's once.",
    why: "One layer moves by −1/2. Three: −1/2·(1 + 2 + 4) = −3.5 pixels, left and up. k = 4 with padding 1 does not move it at all.",
  },
];

mount("exercises", (section) => {
  section.append(element("div", { class: "exercises" }, ...EXERCISES.map(exercise)));
  return null;
});
