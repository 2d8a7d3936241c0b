// Grids of numbers that can be clicked or pointed at, and pictures.

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

// A grid of numbers, colored by sign and size.
//   press(i, j, change): a cell was clicked (change 0), or + or − was typed (change 1 or −1)
//   point(i, j): a cell has the pointer or the focus; point(null): none has
// With neither, the grid is a picture. Arrow keys move between cells; one cell is in the tab order.
function pixels(label, { press, point } = {}) {
  const active = press || point;
  const node = element("div",
    { class: "pixels", role: active ? "group" : "img", "aria-label": label });
  let cells = [];

  function build(rows, columns) {
    node.style.setProperty("--columns", columns);
    cells = Array.from({ length: rows }, (_, i) =>
      Array.from({ length: columns }, (_, j) => (active ? cellButton(i, j) : element("span"))));
    node.replaceChildren(...cells.flat());
    if (active) cells[0][0].tabIndex = 0;
  }

  function cellButton(i, j) {
    return element("button", {
      type: "button",
      tabindex: -1,
      click: () => press && press(i, j, 0),
      keydown: (event) => key(event, i, j),
      focus: () => enter(i, j),
      pointerenter: () => point && point(i, j),
      pointerleave: () => point && point(null),
      blur: () => point && point(null),
    });
  }

  function enter(i, j) {
    for (const cell of cells.flat()) cell.tabIndex = -1;
    cells[i][j].tabIndex = 0;
    if (point) point(i, j);
  }

  function key(event, i, j) {
    if (event.ctrlKey || event.metaKey || event.altKey) return; // zoom and history are the browser's
    const step = STEPS[event.key];
    const change = { "+": 1, "=": 1, "-": -1 }[event.key];
    if (step) {
      const row = cells[i + step[0]];
      const next = row && row[j + step[1]];
      if (next) next.focus();
    } else if (change && press) press(i, j, change);
    else return;
    event.preventDefault();
  }

  // values: rows of numbers. largest: what gets full color. marked(i, j): outline the cell.
  function draw(values, { largest, marked = () => false, digits = 2, faded = () => false } = {}) {
    if (cells.length !== values.length || cells[0].length !== values[0].length) {
      build(values.length, values[0].length);
    }
    const full = largest || Math.max(1e-9, ...values.flat().map(Math.abs));
    values.forEach((row, i) => row.forEach((value, j) => {
      const cell = cells[i][j];
      const text = show(value, digits);
      cell.textContent = text;
      cell.style.setProperty("--amount", Math.min(1, Math.abs(value) / full).toFixed(3));
      cell.className = `${value < 0 ? "minus" : ""} `
        + `${marked(i, j) ? "marked" : ""} ${faded(i, j) ? "faded" : ""} ${text.length > 4 ? "long" : ""}`;
      if (active) cell.setAttribute("aria-label", `${label}, row ${i}, column ${j}: ${text}`);
    }));
    if (!active) {
      const rows = values.map((row) => row.map((value) => show(value, digits)).join(" "));
      node.setAttribute("aria-label", `${label}: ${rows.join("; ")}`);
    }
  }

  return { node, draw };
}

// 0 → 1 → 2 → −1 → 0 by clicking; one up or down by + and −.
const cycled = (value, change) =>
  (change ? value + change : { 0: 1, 1: 2, 2: -1 }[value] ?? 0);

// A picture of pixels. color(value, i, j): a gray or [red, green, blue], 0 to 1.
function picture(size = "") {
  const node = element("canvas", { class: `picture ${size}`, role: "img" });
  function draw(values, label, color = (value) => value) {
    const [height, width] = [values.length, values[0].length];
    Object.assign(node, { width, height });
    node.style.setProperty("--pixels", width);
    const context = node.getContext("2d");
    const image = context.createImageData(width, height);
    values.flat().forEach((value, index) => {
      const shade = color(value, Math.floor(index / width), index % width);
      const rgb = Array.isArray(shade) ? shade : [shade, shade, shade];
      image.data.set([...rgb.map((part) => 255 * Math.min(1, Math.max(0, part))), 255], 4 * index);
    });
    context.putImageData(image, 0, 0);
    node.setAttribute("aria-label", label);
  }
  return { node, draw };
}

// Gray around the mean, for the response to a constant: flat is plain gray. even: whether it has no
// pattern, away from its border.
function drawResponse(canvas, values, even = equal(values.flat())) {
  const flat = values.flat();
  const mean = article.sum(flat) / flat.length;
  const spread = Math.max(...flat) - Math.min(...flat);
  const size = Math.max(1e-9, Math.abs(mean), spread / 2);
  canvas.draw(values, even ? "even gray: no pattern" : "a pattern that repeats: a checkerboard",
    (value) => 0.5 + (0.45 * (value - mean)) / size);
}

// A small picture to upsample: a sky, a sun, hills and a house; values 0 to 1.
function scene(size) {
  const inside = (distance) => Math.min(1, Math.max(0, 0.5 - distance * size / 2));
  return Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => {
    const [y, x] = [(i + 0.5) / size, (j + 0.5) / size];
    let value = 0.55 + 0.3 * y;
    const layer = (distance, shade) => { value += inside(distance) * (shade - value); };
    layer(Math.hypot(x - 0.72, y - 0.24) - 0.13, 0.98);
    layer(0.6 + 0.12 * Math.sin(5 * x + 0.4) - y, 0.42 + 0.1 * x);
    layer(0.78 + 0.06 * Math.sin(7 * x + 2) - y, 0.25);
    layer(Math.max(Math.abs(x - 0.3) - 0.12, Math.abs(y - 0.7) - 0.1), 0.8);
    layer(Math.max(Math.abs(x - 0.3) - 0.03, Math.abs(y - 0.74) - 0.06), 0.15);
    return value;
  }));
}

// A transposed convolution to exactly stride times the size. The border is repeated before and cut
// off after, so that it does not darken.
function upsample(rows, w, { stride, padding }) {
  const n = rows.length;
  const extra = w.length;
  const inside = (i) => Math.min(n - 1, Math.max(0, i - extra));
  const wide = Array.from({ length: n + 2 * extra }, (_, i) =>
    Array.from({ length: n + 2 * extra }, (__, j) => rows[inside(i)][inside(j)]));
  const cut = (line) => line.slice(stride * extra, stride * (extra + n));
  return cut(article.transpose2d(wide, w, { stride, padding })).map(cut);
}
