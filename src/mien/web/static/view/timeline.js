// Expressions over time: for each person all probabilities, stacked, so that they fill the height together.

import { colour } from "./colours.js";

const MOST_PEOPLE = 6;
const GAP_S = 1; // without a face for longer than this, the band is broken

export class Timeline {
  /** `window_s` shows the last so many seconds; null shows everything. */
  constructor(place, labels, window_s = null) {
    this.place = place;
    this.labels = labels;
    this.window_s = window_s;
    this.people = new Map();
    this.figures = new Map();
    this.rows = document.createElement("div");
    this.place.replaceChildren(this.rows, makeLegend(labels));
    this.place.hidden = false;
  }

  add(time_s, faces) {
    this.end_s = time_s;
    for (const { track, expression } of faces) {
      if (!this.people.has(track)) this.people.set(track, []);
      const shares = this.labels.map((name) => expression.probabilities[name]);
      this.people.get(track).push({ time_s, label: expression.label, shares });
    }
    if (this.window_s === null) return;
    for (const [track, points] of this.people) {
      while (points.length && points[0].time_s < time_s - this.window_s) points.shift();
      if (!points.length) this.people.delete(track);
    }
  }

  /** `now_s` marks a moment, for a video that is being played. */
  draw(now_s = null) {
    const start_s = this.window_s === null ? 0 : Math.max(0, this.end_s - this.window_s);
    const span_s = this.window_s ?? Math.max(this.end_s, 0.1);
    const shown = [...this.people].sort((one, other) => other[1].length - one[1].length).slice(0, MOST_PEOPLE);
    shown.sort((one, other) => one[0] - other[0]);
    const figures = shown.map(([track, points]) => {
      if (!this.figures.has(track)) this.figures.set(track, makeFigure());
      const figure = this.figures.get(track);
      paint(figure.lastChild, points, start_s, span_s, now_s);
      const label = `Expressions of person ${track} over time; mostly ${mostly(points)}`;
      if (figure.lastChild.getAttribute("aria-label") !== label) figure.lastChild.setAttribute("aria-label", label);
      figure.firstChild.textContent = `Person ${track}, ${format(start_s)} to ${format(start_s + span_s)}`;
      return figure;
    });
    const present = this.rows.children;
    const isSame = figures.length === present.length && figures.every((figure, at) => figure === present[at]);
    if (!isSame) this.rows.replaceChildren(...figures);
  }
}

function paint(canvas, points, start_s, span_s, now_s) {
  const ratio = window.devicePixelRatio;
  const width = Math.round((canvas.clientWidth || 600) * ratio);
  const height = Math.round((canvas.clientHeight || 96) * ratio);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  const x = (time_s) => Math.round(((time_s - start_s) / span_s) * width); // whole pixels leave no hairlines
  points.forEach((point, index) => {
    const next = points[index + 1];
    const isLast = !next || next.time_s - point.time_s > GAP_S;
    const end = isLast ? x(point.time_s) + 2 * ratio : x(next.time_s);
    let from = height;
    let to = height;
    point.shares.forEach((share, label) => {
      const fromTop = from - share * height;
      const toTop = to - (isLast ? share : next.shares[label]) * height;
      context.fillStyle = colour(label);
      context.beginPath();
      context.moveTo(x(point.time_s), from);
      context.lineTo(x(point.time_s), fromTop);
      context.lineTo(end, toTop);
      context.lineTo(end, to);
      context.fill();
      [from, to] = [fromTop, toTop];
    });
  });
  if (now_s !== null) {
    context.fillStyle = "#000";
    context.fillRect(x(now_s) - 2 * ratio, 0, 4 * ratio, height);
    context.fillStyle = "#fff";
    context.fillRect(x(now_s) - ratio, 0, 2 * ratio, height);
  }
}

function mostly(points) {
  const counts = new Map();
  for (const { label } of points) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].sort((one, other) => other[1] - one[1])[0][0];
}

function makeFigure() {
  const figure = document.createElement("figure");
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  figure.append(document.createElement("figcaption"), canvas);
  return figure;
}

function makeLegend(labels) {
  const legend = document.createElement("ul");
  legend.className = "legend";
  legend.append(
    ...labels.map((name, index) => {
      const item = document.createElement("li");
      const swatch = document.createElement("span");
      swatch.className = "swatch";
      swatch.style.backgroundColor = colour(index);
      item.append(swatch, name);
      return item;
    }),
  );
  return legend;
}

function format(time_s) {
  return `${time_s.toFixed(1)} s`;
}
