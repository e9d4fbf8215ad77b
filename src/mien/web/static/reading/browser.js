// The reader in this browser: pictures go to a thread of this page (local/worker.js) and nowhere else.

import { Tracks } from "../local/tracks.js";

const FRAME_PX = 640; // longer side of camera frames, as on the server
const STEP_S = 0.2; // of a video, five frames a second are read
const AS_THE_SERVER = { imageOrientation: "from-image", colorSpaceConversion: "none", premultiplyAlpha: "none" };

export class BrowserReader {
  constructor(access, model) {
    this.access = access;
    this.model = model;
    this.labels = model.classes;
    this.worker = new Worker(new URL("../local/worker.js", import.meta.url), { type: "module" });
    this.waiting = new Map();
    this.last = 0;
    this.worker.addEventListener("message", ({ data: { id, answer, problem } }) => {
      const { resolve, reject } = this.waiting.get(id);
      this.waiting.delete(id);
      if (problem) reject(new Error(problem));
      else resolve(answer);
    });
    this.worker.addEventListener("error", () => this.fail("reading in this browser could not be started"));
  }

  /** Load the model once; later calls are answered at once. */
  ready() {
    this.loaded ??= this.load().catch((error) => {
      this.loaded = null; // the next picture tries again
      throw error;
    });
    return this.loaded;
  }

  async load() {
    const { name, threshold } = this.model;
    const model = await this.access.bytes(`models/${encodeURIComponent(name)}/file`);
    const detector = await this.access.bytes("static/detector");
    await this.ask({ open: { model, detector, threshold } }, [model.buffer, detector.buffer]);
  }

  async picture(file) {
    await this.ready();
    const bitmap = await createImageBitmap(file, AS_THE_SERVER).catch(() => {
      throw new Error("this browser cannot read it as a picture");
    });
    const answer = await this.read(bitmap);
    return { source: file.name, reason: answer.faces.length ? null : "no face found", ...answer };
  }

  async video(file, onProgress, signal) {
    await this.ready();
    const video = document.createElement("video");
    video.muted = true;
    video.src = URL.createObjectURL(file);
    try {
      await once(video, "loadeddata", "this browser cannot play this video; the server may read it");
      if (!Number.isFinite(video.duration)) throw new Error("it does not say its length: read it on the server");
      const tracks = new Tracks(this.labels, this.model.threshold);
      const frames = [];
      for (let time_s = 0; time_s < video.duration; time_s += STEP_S) {
        signal.throwIfAborted();
        video.currentTime = time_s;
        await once(video, "seeked", "this video is damaged");
        const answer = await this.read(await createImageBitmap(video));
        frames.push({ ...answer, frame: frames.length, time_s, faces: tracks.follow(answer.faces, time_s) });
        onProgress(time_s / video.duration, frames.length);
      }
      return { frames, problem: null };
    } finally {
      URL.revokeObjectURL(video.src);
    }
  }

  async live() {
    await this.ready();
    const tracks = new Tracks(this.labels, this.model.threshold);
    const start = performance.now();
    return {
      frame: async (video) => {
        const time_s = (performance.now() - start) / 1000;
        const answer = await this.read(await createImageBitmap(video, frameSize(video)));
        return { ...answer, time_s, faces: tracks.follow(answer.faces, time_s) };
      },
      close: () => {},
    };
  }

  /** Give the memory of model and runtime back. */
  close() {
    this.worker.terminate();
    this.fail("the model was changed");
  }

  read(bitmap) {
    return this.ask({ read: bitmap }, [bitmap]);
  }

  ask(task, transfer) {
    this.last += 1;
    const id = this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, ...task }, transfer);
    });
  }

  fail(message) {
    for (const { reject } of this.waiting.values()) reject(new Error(message));
    this.waiting.clear();
  }
}

function frameSize({ videoWidth, videoHeight }) {
  const scale = Math.min(1, FRAME_PX / Math.max(videoWidth, videoHeight));
  const [resizeWidth, resizeHeight] = [videoWidth, videoHeight].map((side) => Math.round(side * scale));
  return { resizeWidth, resizeHeight, resizeQuality: "medium" };
}

function once(video, event, problem) {
  return new Promise((resolve, reject) => {
    video.addEventListener(event, resolve, { once: true });
    video.addEventListener("error", () => reject(new Error(problem)), { once: true });
  });
}
