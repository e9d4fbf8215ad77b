// The reader in this browser: ONNX Runtime Web, the face detector and a model, in a thread of their own.
//
// Messages in:  {id, open: {model, detector, threshold}}   bytes of two ONNX files, confidence below which to abstain
//               {id, read: ImageBitmap}
// Messages out: {id, answer} or {id, problem}
//
// Pictures come in as messages and never leave: the only requests of this thread are for the runtime's own files.

import * as runtime from "../vendor/ort.wasm.bundle.min.mjs";
import { readCard } from "./card.js";
import { crop } from "./crop.js";
import { Detector } from "./detector.js";
import { Network } from "./network.js";
import { fromCanvas } from "./pixels.js";

runtime.env.wasm.numThreads = 1; // threads would need the page to be isolated (COOP, COEP)
runtime.env.wasm.wasmPaths = { wasm: new URL("../vendor/ort-wasm-simd-threaded.wasm", import.meta.url).href };
runtime.env.logLevel = "error";

let detector = null;
let network = null;

async function open({ model, detector: file, threshold }) {
  const card = { ...readCard(model), threshold };
  const session = await runtime.InferenceSession.create(model);
  network = new Network(runtime, session, card);
  detector ??= new Detector(runtime, await runtime.InferenceSession.create(file));
  return card;
}

async function read(bitmap) {
  const image = pixelsOf(bitmap);
  const { margin, shift } = network.card.preprocess;
  const faces = await detector.detect(image);
  const expressions = await network.read(faces.map((face) => crop(image, face, margin, shift)));
  return {
    size_px: [image.width, image.height],
    faces: faces.map((face, index) => ({ face, expression: expressions[index] })),
  };
}

function pixelsOf(bitmap) {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white"; // transparency is laid over white
  context.fillRect(0, 0, bitmap.width, bitmap.height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return fromCanvas(context.getImageData(0, 0, canvas.width, canvas.height));
}

// One after the other: the model must not change while a picture is read.
let last = Promise.resolve();

self.addEventListener("message", ({ data: { id, ...task } }) => {
  last = last.then(async () => {
    try {
      self.postMessage({ id, answer: task.open ? await open(task.open) : await read(task.read) });
    } catch (error) {
      self.postMessage({ id, problem: error.message });
    }
  });
});
