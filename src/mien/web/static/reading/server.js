// The reader on the server. Has the same methods as the one in the browser (reading/browser.js).

const FRAME_PX = 640; // longer side of camera frames; what faces are looked for in is not larger either
const QUALITY = 0.9; // of their JPEG
const ASK_EVERY_MS = 500;

export class ServerReader {
  constructor(access, model) {
    this.access = access;
    this.query = new URLSearchParams({ model: model.name });
    this.labels = model.classes;
  }

  async ready() {} // the server is

  /** {source, size_px, reason, faces} of one picture. */
  async picture(file) {
    const answer = await this.access.json(`predict?${this.query}`, { method: "POST", body: form("images", file) });
    return answer.pictures[0];
  }

  /** {frames, problem} of a video; `onProgress` is told the share that has been read. */
  async video(file, onProgress, signal) {
    const body = form("video", file);
    const { id } = await this.access.json(`predict/video?${this.query}`, { method: "POST", body, signal });
    const path = `predict/video/${encodeURIComponent(id)}`;
    try {
      for (;;) {
        const job = await this.access.json(path, { signal });
        if (job.state === "done") return await this.access.json(`${path}/result`, { signal });
        if (job.error) throw new Error(job.error.message);
        onProgress(job.progress, job.frames);
        await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
      }
    } finally {
      await this.access.fetch(path, { method: "DELETE" }).catch(() => {}); // the server forgets it by itself, later
    }
  }

  async live() {
    const live = new ServerLive(this.access.socket(`live?${this.query}`));
    await live.opened;
    return live;
  }
}

function form(field, file) {
  const body = new FormData();
  body.append(field, file, file.name || "picture");
  return body;
}

class ServerLive {
  constructor(socket) {
    this.socket = socket;
    this.canvas = document.createElement("canvas");
    this.opened = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    socket.addEventListener("message", ({ data }) => this.take(JSON.parse(data)));
    socket.addEventListener("close", ({ reason }) => {
      this.settle.reject(new Error(`the server has closed the live connection${reason && `: ${reason}`}`));
    });
  }

  take(message) {
    if (message.type === "error") this.settle.reject(new Error(message.error.message));
    else this.settle.resolve(message);
  }

  /** {time_s, size_px, faces} of the frame that a video shows now. */
  async frame(video) {
    const scale = Math.min(1, FRAME_PX / Math.max(video.videoWidth, video.videoHeight));
    this.canvas.width = Math.round(video.videoWidth * scale);
    this.canvas.height = Math.round(video.videoHeight * scale);
    this.canvas.getContext("2d").drawImage(video, 0, 0, this.canvas.width, this.canvas.height);
    const blob = await new Promise((resolve) => this.canvas.toBlob(resolve, "image/jpeg", QUALITY));
    return new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
      if (this.socket.readyState === WebSocket.OPEN) this.socket.send(blob);
      else reject(new Error("the live connection is closed"));
    });
  }

  close() {
    this.socket.close();
  }
}
