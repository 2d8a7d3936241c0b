// A small SVG chart: chart(label, {x: [from, to], y: [from, to]}).

const SVG = "http://www.w3.org/2000/svg";

function shape(tag, attributes, text = "") {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  return node;
}

function chart(label, { x, y, width = 340, height = 130, margin = [14, 8, 20, 8] }) {
  const [top, right, bottom, left] = margin;
  const kind = width < 300 ? "chart narrow" : "chart";
  const node = shape("svg", { viewBox: `0 0 ${width} ${height}`, class: kind, role: "img" });
  node.setAttribute("aria-label", label);
  const at = {
    x: (value) => left + ((width - left - right) * (value - x[0])) / (x[1] - x[0]),
    y: (value) => height - bottom - ((height - top - bottom) * (value - y[0])) / (y[1] - y[0]),
  };
  const add = (tag, attributes, text) => {
    const added = shape(tag, attributes, text);
    node.append(added);
    return added;
  };
  return {
    node,
    // From x − half to x + half, from 0 to the value, which is not negative.
    bar(position, value, half, style) {
      this.box(position - half, position + half, 0, value, style);
    },
    box(from, to, low, high, style) {
      add("rect", {
        x: at.x(from), width: at.x(to) - at.x(from), y: at.y(high), height: at.y(low) - at.y(high),
        class: style,
      });
    },
    dot(position, value, style, radius = 3.5) {
      add("circle", { cx: at.x(position), cy: at.y(value), r: radius, class: style });
    },
    line(points, style) {
      add("polyline", { points: points.map(([u, v]) => `${at.x(u)},${at.y(v)}`).join(" "), class: style });
    },
    text(position, value, text, style = "", dy = 0) {
      add("text", { x: at.x(position), y: at.y(value) + dy, class: style }, text);
    },
    below(position, text, style = "") {
      add("text", { x: at.x(position), y: height - bottom + 14, class: style }, text);
    },
  };
}
