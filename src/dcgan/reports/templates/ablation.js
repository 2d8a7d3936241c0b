"use strict";
// Shows the moment, the sample and the arms that the controls are set to. `page` has the data.

const find = (selector, within = document) => [...within.querySelectorAll(selector)];
const [moment, latent] = ["moment", "latent"].map((id) => document.getElementById(id));
const sections = find(".arm");
const contexts = sections.map((arm) =>
  find("canvas", arm).map((canvas) => canvas.getContext("2d", { willReadFrequently: true })));
const cursors = find(".curve").map((figure) => figure.appendChild(document.createElement("i")));

// Weighted sums along one axis of size x size pixels of 4 channels, mirrored at the borders.
function filter(pixels, size, taps, step) {
  const middle = taps.length >> 1, turn = Math.max(1, 2 * (size - 1));
  const reach = Array.from({ length: size }, (_, at) => taps.map((_, t) => {
    const place = Math.abs(at + t - middle) % turn;
    return step * (Math.min(place, turn - place) - at);
  }));
  return Float32Array.from(pixels, (_, i) => {
    const shifts = reach[Math.floor(i / step) % size];
    let sum = 0;
    for (let t = 0; t < taps.length; t++) sum += taps[t] * pixels[i + shifts[t]];
    return sum;
  });
}

// What repeats every two pixels: the local mean at a pixel's phase minus that of all pixels.
function period2Part(pixels, size, taps) {
  const samePhase = taps.map((tap, i) => ((i - (taps.length >> 1)) % 2 ? 0 : 2 * tap));
  const mean = (weights) => filter(filter(pixels, size, weights, 4), size, weights, 4 * size);
  const all = mean(taps);
  return mean(samePhase).map((value, i) => value - all[i]);
}

function draw() {
  const { size, latents, gain, taps } = page, row = Number(moment.value), column = latent.value - 1;
  const seen = page.moments[row].toLocaleString("en-US");
  document.getElementById("seen").value = seen;
  document.getElementById("sample").value = `${column + 1} of ${latents}`;
  moment.setAttribute("aria-valuetext", `${seen} images seen`);
  for (const cursor of cursors) cursor.style.left = `${page.cursor[row]}%`;
  sections.forEach((arm, i) => {
    if (arm.hidden) return;
    const [sample, alone, spectrum] = contexts[i], sprite = arm.querySelector("img");
    const show = (context, cell) =>
      context.drawImage(sprite, cell * size, row * size, size, size, 0, 0, size, size);
    show(sample, column);
    show(spectrum, latents);
    const part = period2Part(sample.getImageData(0, 0, size, size).data, size, taps);
    alone.putImageData(new ImageData(
      Uint8ClampedArray.from(part, (value, j) => (j % 4 === 3 ? 255 : 128 + gain * value)), size), 0, 0);
    const ratio = arm.querySelector("b");
    if (ratio) ratio.textContent = page.ratios[i][row];
  });
}

function choose() {
  find("[name=arm]").forEach((box, i) => {
    sections[i].hidden = !box.checked;
    for (const line of find(`[id^="arm${i}-"]`)) line.style.display = box.checked ? "" : "none";
  });
  draw();
}

moment.addEventListener("input", draw);
latent.addEventListener("input", draw);
for (const box of find("[name=arm]")) box.addEventListener("change", choose);
addEventListener("load", choose); // now the sprites are decoded
