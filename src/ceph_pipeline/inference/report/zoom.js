"use strict";
// Wheel and buttons zoom, dragging moves, boxes hide marks. Nothing is loaded, nothing is kept.
for (const figure of document.querySelectorAll("figure.film")) {
  const svg = figure.querySelector("svg");
  const home = svg.getAttribute("viewBox").split(" ").map(Number);
  let box = home.slice();
  const show = () => {
    svg.setAttribute("viewBox", box.join(" "));
    svg.style.setProperty("--scale", box[2] / home[2]);
  };
  const zoom = (factor, x, y) => {
    const width = Math.min(home[2], Math.max(home[2] / 40, box[2] * factor));
    const share = width / box[2];
    box = [x - (x - box[0]) * share, y - (y - box[1]) * share, width, box[3] * share];
    if (width === home[2]) box = home.slice();
    show();
  };
  const place = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    const at = place(event);
    zoom(event.deltaY < 0 ? 0.8 : 1.25, at.x, at.y);
  }, { passive: false });
  let held = null;
  svg.addEventListener("pointerdown", (event) => { held = place(event); svg.setPointerCapture(event.pointerId); });
  svg.addEventListener("pointerup", () => { held = null; });
  svg.addEventListener("pointermove", (event) => {
    if (held === null) return;
    const at = place(event);
    box = [box[0] + held.x - at.x, box[1] + held.y - at.y, box[2], box[3]];
    show();
  });
  const middle = (factor) => zoom(factor, box[0] + box[2] / 2, box[1] + box[3] / 2);
  figure.querySelector("[data-zoom=in]").addEventListener("click", () => middle(0.67));
  figure.querySelector("[data-zoom=out]").addEventListener("click", () => middle(1.5));
  figure.querySelector("[data-zoom=all]").addEventListener("click", () => { box = home.slice(); show(); });
  for (const choice of figure.querySelectorAll("input[data-marks]")) {
    choice.addEventListener("change", () => svg.classList.toggle("no-" + choice.dataset.marks, !choice.checked));
  }
  window.addEventListener("beforeprint", () => { box = home.slice(); show(); });
}
