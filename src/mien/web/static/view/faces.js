// The list beside a picture: for each face its expression and a bar for every class.

import { colour, percent, title } from "./colours.js";

export class FaceList {
  /** `list` is an <ol>; what is in it is used again, so that a live list does not flicker. */
  constructor(list, labels) {
    this.list = list;
    this.labels = labels;
  }

  show(faces) {
    while (this.list.children.length > faces.length) this.list.lastChild.remove();
    while (this.list.children.length < faces.length) this.list.append(this.makeItem());
    faces.forEach((face, index) => this.fill(this.list.children[index], face, index));
  }

  makeItem() {
    const item = document.createElement("li");
    const heading = document.createElement("p");
    heading.className = "face-title";
    const table = document.createElement("table");
    table.className = "bars";
    table.append(...this.labels.map((name, index) => makeRow(name, colour(index))));
    item.append(heading, table);
    return item;
  }

  fill(item, reading, index) {
    const { label, confidence, abstained, probabilities } = reading.expression;
    const [heading, table] = item.children;
    const sure = `${label}, ${percent(confidence)}`;
    const name = title(reading, index);
    heading.textContent = abstained ? `${name}: unsure (likeliest ${sure})` : `${name}: ${sure}`;
    table.setAttribute("aria-label", `All probabilities of ${name}`);
    this.labels.forEach((label_, position) => {
      const row = table.rows[position];
      row.classList.toggle("is-first", label_ === label);
      row.cells[1].firstChild.firstChild.style.transform = `scaleX(${probabilities[label_]})`;
      row.cells[2].textContent = percent(probabilities[label_]);
    });
  }
}

function makeRow(name, fill) {
  const row = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = name;
  const bar = document.createElement("div");
  bar.className = "bar";
  const share = document.createElement("div");
  share.style.backgroundColor = fill;
  bar.append(share);
  const cell = document.createElement("td");
  cell.setAttribute("aria-hidden", "true");
  cell.append(bar);
  row.append(head, cell, document.createElement("td"));
  return row;
}
