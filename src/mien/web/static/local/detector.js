// Where are the faces? The shipped YuNet. The counterpart of mien/faces/yunet.py, with the same numbers.

import { resize } from "./pixels.js";
import { round } from "./crop.js";

const STRIDES = [8, 16, 32];
const MIN_SCORE = 0.6;
const MIN_SIZE_PX = 12;
const LONGEST_SIDE_PX = 640;
const CLOSE_UP_PX = 192; // a face that fills the frame is looked for in a small view with a wide border
const MAX_OVERLAP = 0.3;
const GREY = 128;

export class Detector {
  /** `runtime` is ONNX Runtime Web, `session` an opened YuNet. */
  constructor(runtime, session) {
    this.runtime = runtime;
    this.session = session;
  }

  /** Faces {box, score, landmarks} of an RGB picture, the largest first. */
  async detect(image) {
    const longest = Math.max(image.width, image.height);
    let faces = [];
    if (longest > CLOSE_UP_PX) faces = await this.look(image, Math.min(1, LONGEST_SIDE_PX / longest), 0);
    if (!faces.length) faces = await this.look(image, CLOSE_UP_PX / longest, CLOSE_UP_PX / 2);
    return faces;
  }

  async look(image, scale, border) {
    const rows = Math.max(1, round(image.height * scale));
    const columns = Math.max(1, round(image.width * scale));
    const canvas = onCanvas(resize(image, columns, rows), border);
    const tensor = new this.runtime.Tensor("float32", canvas.data, [1, 3, canvas.height, canvas.width]);
    const outputs = await this.session.run({ [this.session.inputNames[0]]: tensor });
    const backX = image.width / columns;
    const backY = image.height / rows;
    const toPicture = ([x, y]) => [(x - border) * backX, (y - border) * backY];
    return withoutOverlaps(decode(outputs, canvas.width))
      .map(({ box, score, landmarks }) => ({
        box: [...toPicture(box.slice(0, 2)), ...toPicture(box.slice(2))],
        score,
        landmarks: landmarks.map(toPicture),
      }))
      .filter(({ box: [x1, y1, x2, y2] }) => {
        const [x, y] = [(x1 + x2) / 2, (y1 + y2) / 2];
        const isInside = x >= 0 && y >= 0 && x <= image.width && y <= image.height;
        return isInside && Math.max(x2 - x1, y2 - y1) >= MIN_SIZE_PX;
      })
      .sort((one, other) => area(other.box) - area(one.box));
  }
}

// Blue, green, red, one plane after the other, on grey; sides are multiples of the largest stride.
function onCanvas(image, border) {
  const width = Math.ceil((image.width + 2 * border) / 32) * 32;
  const height = Math.ceil((image.height + 2 * border) / 32) * 32;
  const data = new Float32Array(3 * width * height).fill(GREY);
  for (let row = 0, from = 0; row < image.height; row += 1) {
    let to = (row + border) * width + border;
    for (let column = 0; column < image.width; column += 1, from += 3, to += 1) {
      data[to] = image.data[from + 2];
      data[to + width * height] = image.data[from + 1];
      data[to + 2 * width * height] = image.data[from];
    }
  }
  return { width, height, data };
}

/** The network's outputs as faces in pixels of its input; see `decode` in mien/faces/yunet.py. */
export function decode(outputs, width) {
  const faces = [];
  for (const stride of STRIDES) {
    const [cls, obj, bbox, kps] = ["cls", "obj", "bbox", "kps"].map((kind) => outputs[`${kind}_${stride}`].data);
    const perRow = Math.ceil(width / stride);
    for (let cell = 0; cell < cls.length; cell += 1) {
      const score = Math.sqrt(clip(cls[cell]) * clip(obj[cell]));
      if (score < MIN_SCORE) continue;
      const column = cell % perRow;
      const row = (cell - column) / perRow;
      const [dx, dy, dw, dh] = bbox.subarray(4 * cell, 4 * cell + 4);
      const [x, y] = [(column + dx) * stride, (row + dy) * stride];
      const [w, h] = [(Math.exp(dw) * stride) / 2, (Math.exp(dh) * stride) / 2];
      const landmarks = [0, 1, 2, 3, 4].map((index) => [
        (column + kps[10 * cell + 2 * index]) * stride,
        (row + kps[10 * cell + 2 * index + 1]) * stride,
      ]);
      faces.push({ box: [x - w, y - h, x + w, y + h], score, landmarks });
    }
  }
  return faces;
}

function withoutOverlaps(faces) {
  const kept = [];
  for (const face of faces.sort((one, other) => other.score - one.score)) {
    if (kept.every((better) => overlap(better.box, face.box) <= MAX_OVERLAP)) kept.push(face);
  }
  return kept;
}

/** Intersection over union of two boxes x1, y1, x2, y2. */
export function overlap(one, other) {
  const width = Math.min(one[2], other[2]) - Math.max(one[0], other[0]);
  const height = Math.min(one[3], other[3]) - Math.max(one[1], other[1]);
  const shared = Math.max(0, width) * Math.max(0, height);
  const union = area(one) + area(other) - shared;
  return union > 0 ? shared / union : 0;
}

function area([x1, y1, x2, y2]) {
  return (x2 - x1) * (y2 - y1);
}

function clip(value) {
  return Math.min(Math.max(value, 0), 1);
}
