// One picture, video or camera with what was read in it.

import { drawBoxes, makeLayer } from "./boxes.js";
import { FaceList } from "./faces.js";
import { Timeline } from "./timeline.js";

export class Card {
  /** `medium` is an <img> or a <video>. */
  constructor(name, medium, labels) {
    this.root = document.importNode(document.querySelector("#card").content, true).firstElementChild;
    this.labels = labels;
    this.medium = medium;
    this.stage = this.root.querySelector(".stage");
    this.reason = this.root.querySelector(".reason");
    this.layer = makeLayer();
    this.list = new FaceList(this.root.querySelector(".faces"), labels);
    this.root.querySelector("h2").textContent = name;
    this.stage.append(medium, this.layer);
  }

  /** Show a reading {size_px, reason, faces}. */
  show({ size_px, reason, faces }) {
    this.say(reason ?? (faces.length ? "" : "no face found"));
    this.list.show(faces);
    if (size_px) drawBoxes(this.layer, size_px, faces, this.labels);
  }

  say(text) {
    if (this.reason.textContent !== text) this.reason.textContent = text;
    this.reason.hidden = !text;
  }

  /** A timeline below; see Timeline. */
  timeline(window_s) {
    return new Timeline(this.root.querySelector(".timelines"), this.labels, window_s);
  }

  /** Let go of the picture, and say why it is gone. */
  empty(text) {
    this.medium.srcObject = null;
    this.stage.remove();
    this.list.show([]);
    this.say(text);
  }

  remove() {
    if (this.medium.src) URL.revokeObjectURL(this.medium.src);
    this.root.remove();
  }
}
