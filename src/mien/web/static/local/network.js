// From cut faces to probabilities, as the model's card says. The counterpart of mien/preprocess.py and
// mien/runtime/network.py.

import { grey, resize } from "./pixels.js";

export class Network {
  /** `runtime` is ONNX Runtime Web, `session` an opened model, `card` what its file says of itself. */
  constructor(runtime, session, card) {
    if (card.kind !== "recognizer") throw new Error(`${card.name} is a model of kind ${card.kind}, not a recognizer`);
    this.runtime = runtime;
    this.session = session;
    this.card = card;
  }

  /** One expression {label, confidence, abstained, probabilities} for each cut face. */
  async read(faces) {
    if (!faces.length) return [];
    const { classes, biases, temperature, threshold, flip } = this.card;
    const fitted = faces.map((face) => this.fit(face));
    const straight = await this.logits(fitted, false);
    const mirrored = flip ? await this.logits(fitted, true) : straight;
    return faces.map((_, face) => {
      const logits = classes.map((_, index) => {
        const at = face * classes.length + index;
        return ((straight[at] + mirrored[at]) / 2 + (biases[index] ?? 0)) / temperature;
      });
      return expression(classes, softmax(logits), threshold);
    });
  }

  // Size and channels of the network's input.
  fit(face) {
    const { size_px: size, channels, enlarge } = this.card.preprocess;
    return resize(channels === 1 ? grey(face) : face, size, size, enlarge);
  }

  async logits(faces, isMirrored) {
    const { size_px: size, channels, mean, std } = this.card.preprocess;
    const plane = size * size;
    const data = new Float32Array(faces.length * channels * plane);
    let to = 0;
    for (const face of faces) {
      for (let channel = 0; channel < channels; channel += 1) {
        const scale = 1 / (255 * std[channel]);
        const offset = -mean[channel] / std[channel];
        for (let pixel = 0; pixel < plane; pixel += 1, to += 1) {
          const column = pixel % size;
          const from = isMirrored ? pixel + size - 1 - 2 * column : pixel;
          data[to] = face.data[from * channels + channel] * scale + offset;
        }
      }
    }
    const tensor = new this.runtime.Tensor("float32", data, [faces.length, channels, size, size]);
    const outputs = await this.session.run({ [this.session.inputNames[0]]: tensor });
    return outputs[this.session.outputNames[0]].data;
  }
}

/** An answer in the shape of the server's. */
export function expression(classes, probabilities, threshold) {
  const confidence = Math.max(...probabilities);
  return {
    label: classes[probabilities.indexOf(confidence)],
    confidence,
    abstained: confidence < threshold,
    probabilities: Object.fromEntries(classes.map((name, index) => [name, probabilities[index]])),
  };
}

export function softmax(logits) {
  const most = Math.max(...logits);
  const powers = logits.map((value) => Math.exp(value - most));
  const total = powers.reduce((sum, value) => sum + value, 0);
  return powers.map((value) => value / total);
}
