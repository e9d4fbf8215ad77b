// The page: what is chosen, what is read, what is shown. Everything else is in the modules named here.

import { Access } from "./reading/access.js";
import { BrowserReader } from "./reading/browser.js";
import { ServerReader } from "./reading/server.js";
import { Readings, save } from "./readings.js";
import { Camera } from "./source/camera.js";
import { listenForFiles } from "./source/files.js";
import { Card } from "./view/card.js";

const LIVE_S = 30; // the live timeline shows the last half minute
const SPEAK_S = 3; // screen readers are told of a live change at most this often

const get = (id) => document.getElementById(id);
const access = new Access(askForToken);
const readings = new Readings(); // everything since the page was opened or cleared
const camera = new Camera(get("camera-mark"), get("camera-stop"), cameraStopped);
const canReadHere = document.documentElement.dataset.inBrowser === "yes";

let models = [];
let reader = null;
let cards = [];
let liveCard = null; // of the camera, for as long as it is on
let stopReading = new AbortController(); // of the video that is being read

async function start() {
  get("place").hidden = !canReadHere;
  get("model").addEventListener("change", choose);
  get("place").addEventListener("change", choose);
  get("camera-start").addEventListener("click", guarded(live));
  get("clear").addEventListener("click", clear);
  get("save-json").addEventListener("click", () => save("readings.json", "application/json", readings.json()));
  get("save-csv").addEventListener("click", () => save("readings.csv", "text/csv", readings.csv()));
  listenForFiles(get("files"), get("drop"), guarded(read));
  ({ models } = await access.json("models"));
  get("model").replaceChildren(...models.map(({ name }) => new Option(name, name)));
  get("model").value = models.find((model) => model.is_default).name;
  get("model").disabled = false;
  await choose();
}

// Model or place changed.
async function choose() {
  camera.stop();
  stopReading.abort();
  reader?.close?.();
  const model = models.find(({ name }) => name === get("model").value);
  const isHere = document.querySelector("[name=place]:checked").value === "browser";
  reader = isHere ? new BrowserReader(access, model) : new ServerReader(access, model);
  get("model-note").textContent = `${model.name}: ${model.description} Licence: ${model.licence}.`;
  get("place-note").textContent = isHere
    ? "Pictures do not leave this device: the model has come here instead."
    : "Pictures go to the server, are read in its memory, and are not kept.";
  get("camera-where").textContent = isHere
    ? "and its pictures stay on this device."
    : "and its pictures go to the server, which keeps none.";
  if (isHere) await guarded(prepare)();
}

async function prepare() {
  say("Loading the model into this browser…");
  await reader.ready();
  say("The model is here. You may go offline.");
}

async function read(files) {
  if (!reader) throw new Error("there is no model yet");
  camera.stop();
  stopReading.abort();
  stopReading = new AbortController();
  const { signal } = stopReading;
  for (const [index, file] of files.entries()) {
    if (signal.aborted) return;
    say(`Reading ${file.name} (${index + 1} of ${files.length})…`);
    const isVideo = file.type.startsWith("video/");
    await (isVideo ? readVideo : readPicture)(file, signal);
  }
}

async function readPicture(file) {
  const image = new Image();
  image.alt = `The picture ${file.name}`;
  image.src = URL.createObjectURL(file);
  const card = new Card(file.name, image, reader.labels);
  add(card);
  await image.decode().catch(() => card.stage.remove()); // boxes need its size; the reader says what is wrong with it
  const answer = await reader.picture(file).catch(failed);
  card.show(answer);
  keep({ source: file.name }, answer);
  say(`${file.name}: ${summary(answer)}`);
}

async function readVideo(file, signal) {
  const video = document.createElement("video");
  Object.assign(video, { src: URL.createObjectURL(file), controls: true, muted: true, playsInline: true });
  const card = new Card(file.name, video, reader.labels);
  add(card);
  const tell = (share, count) => say(`Reading ${file.name}: ${Math.round(100 * share)} %, ${count} frames`);
  const { frames = [], problem, reason } = await reader.video(file, tell, signal).catch(failed);
  if (signal.aborted) {
    drop(card);
    return;
  }
  if (!frames.length) {
    card.empty(reason ?? "no frame was read");
    keep({ source: file.name }, failed({ message: card.reason.textContent }));
    say(`${file.name}: ${card.reason.textContent}`);
    return;
  }
  const timeline = card.timeline(null);
  for (const frame of frames) {
    timeline.add(frame.time_s, frame.faces);
    keep({ source: file.name, frame: frame.frame, time_s: frame.time_s }, frame);
  }
  const follow = () => {
    const frame = frames.findLast(({ time_s }) => time_s <= video.currentTime + 0.001) ?? frames[0];
    card.show(frame);
    timeline.draw(video.currentTime);
    if (!video.paused) requestAnimationFrame(follow);
  };
  for (const event of ["play", "seeked", "loadeddata"]) video.addEventListener(event, follow);
  follow();
  say(problem ?? `${frames.length} frames read. Play the video to see its readings.`);
}

async function live() {
  if (camera.isOn) return;
  say("Starting the camera…");
  const current = reader;
  const source = `camera ${new Date().toLocaleTimeString()}`;
  const video = await camera.start();
  const card = new Card(source, video, current.labels);
  liveCard = card;
  let stream = null;
  try {
    say("Waiting for the first reading…");
    stream = await current.live();
    card.stage.classList.add("is-mirrored"); // people know themselves from mirrors
    add(card);
    get("camera-stop").focus();
    card.root.scrollIntoView({ block: "nearest" });
    await follow(card, stream, source);
  } catch (error) {
    if (liveCard === card) throw error; // else it is only the connection of a camera that was stopped
  } finally {
    stream?.close();
    if (liveCard === card) camera.stop();
  }
}

async function follow(card, stream, source) {
  const timeline = card.timeline(LIVE_S);
  let spoken = { text: "", at_s: -SPEAK_S };
  for (let frame = 0; liveCard === card; frame += 1) {
    const answer = await stream.frame(card.medium);
    if (liveCard !== card) return;
    card.show(answer);
    timeline.add(answer.time_s, answer.faces);
    timeline.draw();
    keep({ source, frame, time_s: answer.time_s }, answer);
    const text = summary(answer);
    if (text !== spoken.text && answer.time_s - spoken.at_s >= SPEAK_S) {
      spoken = { text, at_s: answer.time_s };
      say(text);
    }
    await new Promise(requestAnimationFrame); // a page in the background reads nothing
  }
}

function cameraStopped() {
  liveCard?.empty("The camera is off. Its pictures are gone; the readings stay until you clear them.");
  liveCard = null;
  say("The camera is off.");
  get("camera-start").focus();
}

function summary({ reason, faces }) {
  if (!faces.length) return `${reason ?? "No face found"}.`;
  const names = faces.map(({ expression }) => (expression.abstained ? "unsure" : expression.label));
  return `${faces.length === 1 ? "One face" : `${faces.length} faces`}: ${names.join(", ")}.`;
}

function keep(where, answer) {
  readings.add({ model: get("model").value, ...where }, answer);
  get("count").textContent = `${readings.faces} ${readings.faces === 1 ? "reading" : "readings"}`;
  get("tools").hidden = false;
}

function add(card) {
  cards.unshift(card);
  get("cards").prepend(card.root);
}

function drop(card) {
  cards = cards.filter((other) => other !== card);
  card.remove();
}

// What cannot be read is shown with its reason, and stops nothing.
function failed(error) {
  return { size_px: null, reason: error.message, faces: [] };
}

function clear() {
  camera.stop();
  stopReading.abort();
  for (const card of cards) card.remove();
  cards = [];
  readings.clear();
  get("tools").hidden = true;
  say("Cleared.");
  get("files").focus();
}

function say(text) {
  get("status").textContent = text;
}

// What goes wrong with the page itself is shown; the next action takes it away.
function guarded(action) {
  return async (...values) => {
    get("problem").hidden = true;
    try {
      await action(...values);
    } catch (error) {
      get("problem").textContent = error.message;
      get("problem").hidden = false;
      say("");
    }
  };
}

function askForToken() {
  const dialog = get("token-dialog");
  dialog.showModal();
  return new Promise((resolve, reject) => {
    dialog.addEventListener(
      "close",
      () => (get("token").value ? resolve(get("token").value) : reject(new Error("this server wants a token"))),
      { once: true },
    );
  });
}

guarded(start)();
