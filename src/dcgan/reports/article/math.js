// The mathematics of the figures: window.article. The same functions as dcgan.convolution.
// k kernel size, s stride, p padding, d dilation, w a kernel's taps, x an input.

const sum = (values) => values.reduce((total, value) => total + value, 0);
const zeros = (rows, columns) => Array.from({ length: rows }, () => Array(columns).fill(0));
const ones = (k) => Array(k).fill(1);

// The sum of the taps that reach each phase of the output: the response to a constant 1.
function gains(w, s, d = 1) {
  const sums = Array(s).fill(0);
  w.forEach((tap, t) => { sums[(d * t) % s] += tap; });
  return sums;
}

// The number of taps that reach each phase.
const coverage = (k, s, d = 1) => gains(ones(k), s, d);

// gains along both axes: [row phase][column phase].
function gains2d(w, s) {
  const byRow = w.map((row) => gains(row, s));
  const columns = Array.from({ length: s }, (_, b) => gains(byRow.map((row) => row[b]), s));
  return Array.from({ length: s }, (_, a) => columns.map((column) => column[a]));
}

// The nearest kernel (least squares) whose gains are all equal: the taps of a phase move by the same
// amount, to a common gain c. Every phase must have a tap.
function balance2d(w, s) {
  const [gain, count] = [gains2d(w, s), gains2d(w.map((row) => ones(row.length)), s)];
  const [numbers, weights] = [gain.flat(), count.flat().map((n) => 1 / n)];
  const c = sum(numbers.map((g, r) => g * weights[r])) / sum(weights);
  return w.map((row, i) => row.map((tap, j) =>
    tap + (c - gain[i % s][j % s]) / count[i % s][j % s]));
}

const outputSize = (n, k, { stride = 1, padding = 0, output_padding = 0, dilation = 1 } = {}) =>
  (n - 1) * stride - 2 * padding + dilation * (k - 1) + output_padding + 1;

// conv_transpose: x[i]·w lands at s·i − p; outputs outside are cropped.
function transpose2d(x, w, options = {}) {
  const { stride = 1, padding = 0, dilation = 1 } = options;
  const y = zeros(outputSize(x.length, w.length, options),
    outputSize(x[0].length, w[0].length, options));
  x.forEach((row, i) => w.forEach((taps, t) => {
    const line = y[stride * i + dilation * t - padding];
    if (line) transpose(row, taps, options).forEach((value, o) => { line[o] += value; });
  }));
  return y;
}

function transpose(x, w, options = {}) {
  const { stride = 1, padding = 0, dilation = 1 } = options;
  const y = Array(outputSize(x.length, w.length, options)).fill(0);
  x.forEach((value, i) => w.forEach((tap, t) => {
    const o = stride * i + dilation * t - padding;
    if (o in y) y[o] += value * tap;
  }));
  return y;
}

// Output pixels by which the image moves down and right (half-pixel centers).
const shift = (k, s, p, d = 1) => (d * (k - 1) + 1 - s - 2 * p) / 2;

// One period of what stacked layers make of a constant 1, along one axis.
const stack = (kernels, s) =>
  kernels.reduce((x, w) => gains(transpose(x, w, { stride: s }), s * x.length), [1]);

const outer = (a, b = a) => a.map((x) => b.map((y) => x * y));

// Taps C(k − 1, t), scaled to gains of 1: balanced at stride 2 for every k above 1.
function binomial(k) {
  let row = [1];
  for (let i = 1; i < k; i += 1) row = [...row, 0].map((x, t) => x + (row[t - 1] || 0));
  return row.map((x) => x * 2 ** (2 - k));
}

window.article = {
  coverage, gains, gains2d, balance2d, outputSize, transpose, transpose2d, shift, stack, outer, binomial,
  sum, zeros, ones,
};
