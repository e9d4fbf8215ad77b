// Boxes with names, laid over a picture as SVG: it grows and shrinks with the picture by itself.

import { colour, percent } from "./colours.js";

const SVG = "http://www.w3.org/2000/svg";
const TEXT_PX = 15; // on the screen
const LETTER = 0.62; // width of a letter, about, in its heights

/** An empty layer for a stage; `drawBoxes` fills it. It says nothing that the list beside it does not say. */
export function makeLayer() {
  return element("svg", { "aria-hidden": "true" });
}

export function drawBoxes(layer, sizePx, faces, labels) {
  const [width, height] = sizePx;
  layer.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const unit = width / (layer.clientWidth || width); // pixels of the picture in one of the screen
  const size = TEXT_PX * unit;
  layer.replaceChildren(
    ...faces.flatMap(({ face, expression, track }, index) => {
      const [x1, y1, x2, y2] = face.box;
      const frame = { x: x1, y: y1, width: x2 - x1, height: y2 - y1, rx: 4 * unit };
      const line = { class: "box", stroke: colour(labels.indexOf(expression.label)) };
      const number = faces.length > 1 ? `${track ?? index + 1}` : "";
      return [
        element("rect", { class: "box-under", ...frame }),
        element("rect", { ...line, ...frame }),
        makeName(nameFor(number, expression, (x2 - x1) / size), x1, y1, size, width),
      ];
    }),
  );
}

// The number alone where a name would cover the neighbours; `room` is the box's width in heights of a letter.
function nameFor(number, expression, room) {
  const name = `${number} ${say(expression)}`.trim();
  return number && name.length * LETTER > 1.5 * room ? number : name;
}

function makeName(text, x, top, size, width) {
  const long = text.length * LETTER * size;
  const above = top - 0.5 * size;
  const place = { x: Math.max(0, Math.min(x, width - long)), y: above < size ? top + 1.3 * size : above };
  const name = element("text", { class: "box-name", "font-size": size, ...place });
  name.textContent = text;
  return name;
}

function say({ label, confidence, abstained }) {
  return abstained ? "unsure" : `${label} ${percent(confidence)}`;
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
