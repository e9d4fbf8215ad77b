// human in Node, on its WebAssembly backend, with its face detector and its network of emotions and nothing else.
// It has no way to switch its detector off, so faces that are cut out already go straight to that network (oarriaga's
// XCEPTION), prepared as human does it: 64 x 64 px, grey, -1 to 1.
"use strict";
const path = require("path");
const { FILES, open, start } = require("./harness.cjs");

async function make(threads) {
  const tf = require("@tensorflow/tfjs");
  const wasm = require("@tensorflow/tfjs-backend-wasm");
  const home = path.join(process.env.NODE_PATH, "@vladmandic", "human");
  const { Human } = require(path.join(home, "dist", "human.node-wasm.js"));
  wasm.setThreadsCount(threads);
  const off = { enabled: false };
  const human = new Human({
    backend: "wasm",
    wasmPath: `${path.join(process.env.NODE_PATH, "@tensorflow", "tfjs-backend-wasm", "dist")}/`,
    modelBasePath: `${FILES}${path.join(home, "models")}/`,
    cacheSensitivity: 0,
    debug: false,
    warmup: "none",
    ...{ body: off, hand: off, object: off, gesture: off, segmentation: off, filter: off },
    face: {
      ...{ enabled: true, detector: { maxDetected: 20 }, emotion: { enabled: true } },
      ...{ mesh: off, iris: off, description: off, antispoof: off, liveness: off, attention: off },
    },
  });
  await human.init();
  await human.load();
  const network = human.models.models.emotion;
  const many = async (faces) => {
    const found = human.tf.tidy(() => {
      const scaled = human.tf.image.resizeBilinear(human.tf.div(human.tf.stack(faces), 255), [64, 64]);
      const grey = human.tf.sum(human.tf.mul(scaled, [0.2989, 0.587, 0.114]), 3, true);
      return network.execute(human.tf.mul(human.tf.sub(grey, 0.5), 2));
    });
    const rows = await found.array();
    human.tf.dispose(found);
    return rows;
  };
  return {
    tf: human.tf,
    classes: ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"],
    packages: ["@vladmandic/human", "@tensorflow/tfjs", "@tensorflow/tfjs-backend-wasm", "sharp"],
    one: async (face) => (await many([face]))[0],
    many,
    picture: async (file) => {
      const image = await open(human.tf, file);
      const found = await human.detect(image);
      human.tf.dispose(image);
      return found.face.length;
    },
  };
}

start(make);
