// Boxes with names, laid over a picture as SVG: it grows and shrinks with the picture by itself.

import { colour, percent } from "./colours.js";

const SVG = "http://www.w3.org/2000/svg";
const TEXT_PX = 15; // on the screen

/** An empty layer for a stage; `drawBoxes` fills it. It says nothing that the list beside it does not say. */
export function makeLayer() {
  return element("svg", { "aria-hidden": "true" });
}

export function drawBoxes(layer, sizePx, faces, labels) {
  const [width, height] = sizePx;
  layer.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const unit = width / (layer.clientWidth || width); // pixels of the picture in one of the screen
  const isMany = faces.length > 1;
  layer.replaceChildren(
    ...faces.flatMap(({ face, expression, track }, index) => {
      const [x1, y1, x2, y2] = face.box;
      const frame = { x: x1, y: y1, width: x2 - x1, height: y2 - y1, rx: 4 * unit };
      const number = isMany ? `${track ?? index + 1} ` : "";
      const size = TEXT_PX * unit;
      const above = y1 - 0.5 * size;
      const name = element("text", { class: "box-name", x: x1, y: above < size ? y1 + 1.3 * size : above, "font-size": size });
      name.textContent = `${number}${say(expression)}`;
      const line = { class: "box", stroke: colour(labels.indexOf(expression.label)) };
      return [element("rect", { class: "box-under", ...frame }), element("rect", { ...line, ...frame }), name];
    }),
  );
}

function say({ label, confidence, abstained }) {
  return abstained ? "unsure" : `${label} ${percent(confidence)}`;
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
