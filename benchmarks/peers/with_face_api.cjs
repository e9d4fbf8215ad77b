// face-api (the maintained fork) in Node, on the WebAssembly backend: SSD MobileNet finds faces, as it does by default.
"use strict";
const path = require("path");
const { open, start } = require("./harness.cjs");

async function make(threads) {
  const tf = require("@tensorflow/tfjs");
  const wasm = require("@tensorflow/tfjs-backend-wasm");
  const home = path.join(process.env.NODE_PATH, "@vladmandic", "face-api");
  wasm.setWasmPaths(`${path.join(process.env.NODE_PATH, "@tensorflow", "tfjs-backend-wasm", "dist")}/`);
  wasm.setThreadsCount(threads);
  await tf.setBackend("wasm");
  await tf.ready();
  const faceapi = require(path.join(home, "dist", "face-api.node-wasm.js"));
  await faceapi.nets.ssdMobilenetv1.loadFromDisk(path.join(home, "model"));
  await faceapi.nets.faceExpressionNet.loadFromDisk(path.join(home, "model"));
  const classes = ["neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised"];
  const row = (found) => classes.map((name) => found[name]);
  return {
    tf,
    classes,
    packages: ["@vladmandic/face-api", "@tensorflow/tfjs", "@tensorflow/tfjs-backend-wasm", "sharp"],
    one: async (face) => row(await faceapi.nets.faceExpressionNet.predictExpressions(face)),
    many: async (faces) => {
      // of a list of one it gives one answer, not a list
      const found = await faceapi.nets.faceExpressionNet.predictExpressions(faces);
      return (Array.isArray(found) ? found : [found]).map(row);
    },
    picture: async (file) => {
      const image = await open(tf, file);
      const found = await faceapi.detectAllFaces(image).withFaceExpressions();
      tf.dispose(image);
      return found.length;
    },
  };
}

start(make);
