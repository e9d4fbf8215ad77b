// What every peer for Node is asked to do; the counterpart of harness.py, with the same order and answer.
// A peer: { classes, packages, one(face), many(faces), picture(path) }, where a face is an RGB tensor (H, W, 3) of 0 to 255.
"use strict";
const fs = require("fs");
const path = require("path");

const version = (name) => {
  for (const folder of process.env.NODE_PATH.split(path.delimiter)) {
    const file = path.join(folder, name, "package.json");
    if (fs.existsSync(file)) return JSON.parse(fs.readFileSync(file, "utf8")).version;
  }
  return "unknown";
};

// Most memory that this process held, 10^6 bytes; null where the system does not tell (Linux does).
function peakMb() {
  if (!fs.existsSync("/proc/self/status")) return null;
  const found = /VmHWM:\s+(\d+)/.exec(fs.readFileSync("/proc/self/status", "ascii"));
  return found && (Number(found[1]) * 1024) / 1e6;
}

const batches = (faces, size) =>
  Array.from({ length: Math.ceil(faces.length / size) }, (_, place) => faces.slice(place * size, (place + 1) * size));

async function rounds(work, count) {
  const found = [];
  for (let round = 0; round < count; round++) {
    const start = performance.now();
    await work();
    found.push((performance.now() - start) / 1000);
  }
  return found;
}

// Grey faces as one tensor of three equal channels each.
function tensors(tf, order) {
  const bytes = fs.readFileSync(order.faces);
  const [height, width] = order.size;
  const area = height * width;
  return Array.from({ length: order.part === "start" ? 1 : bytes.length / area }, (_, place) =>
    tf.tidy(() => {
      const grey = tf.tensor3d(Int32Array.from(bytes.subarray(place * area, (place + 1) * area)), [height, width, 1]);
      return tf.tile(grey, [1, 1, 3]);
    }),
  );
}

// Tensors of a JPEG or PNG file, decoded by sharp.
async function open(tf, file) {
  const { data, info } = await require("sharp")(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return tf.tensor3d(Int32Array.from(data), [info.height, info.width, info.channels]);
}

async function readCrops(peer, faces, order) {
  const few = faces.slice(0, order.timed);
  const scores = [];
  for (const batch of batches(faces, order.batch)) scores.push(...(await peer.many(batch)));
  const one = async () => {
    for (const face of few) await peer.one(face);
  };
  const many = async () => {
    for (const batch of batches(few, order.batch)) await peer.many(batch);
  };
  const answer = { classes: peer.classes, scores, timed: few.length, one_s: await rounds(one, order.rounds) };
  return { ...answer, many_s: await rounds(many, order.rounds) };
}

async function readPictures(peer, order) {
  const all = async () => {
    const found = [];
    for (const file of order.pictures) found.push(await peer.picture(file));
    return found;
  };
  const found = await all();
  return { found, pictures_s: await rounds(all, order.rounds) };
}

async function run(make) {
  const order = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
  const { tf, ...peer } = await make(order.threads);
  let answer;
  if (order.part === "start") {
    await peer.one(tensors(tf, order)[0]);
    answer = { first_at: Date.now() / 1000 };
  } else if (order.part === "crops") answer = await readCrops(peer, tensors(tf, order), order);
  else answer = await readPictures(peer, order);
  answer.peak_mb = peakMb();
  answer.versions = { node: process.versions.node };
  for (const name of peer.packages) answer.versions[name] = version(name);
  fs.writeFileSync(process.argv[3], JSON.stringify(answer));
}

// TensorFlow.js loads models with fetch alone, and Node's fetch opens no files: these addresses stand for files.
const FILES = "http://files.invalid";
const fetched = globalThis.fetch;
globalThis.fetch = async (address, settings) =>
  String(address).startsWith(FILES)
    ? new Response(fs.readFileSync(decodeURI(String(address).slice(FILES.length))))
    : fetched(address, settings);

const start = (make) =>
  run(make).then(
    () => process.exit(0),
    (error) => {
      console.error(String((error && error.message) || error).split("\n")[0]);
      process.exit(1);
    },
  );

module.exports = { FILES, open, start };
