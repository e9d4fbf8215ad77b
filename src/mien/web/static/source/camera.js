// The camera, with a mark that cannot be missed for as long as it is on.

const WANTED = { video: { width: { ideal: 1280 }, height: { ideal: 720 }, facingMode: "user" }, audio: false };

const REASONS = {
  NotAllowedError: "the camera was not allowed: allow it in the browser's settings for this page",
  NotFoundError: "no camera was found",
  NotReadableError: "the camera is used by another program",
};

export class Camera {
  /** `mark` is shown while the camera is on; `stopButton` in it stops the camera, and `onStop` is told. */
  constructor(mark, stopButton, onStop) {
    this.mark = mark;
    this.onStop = onStop;
    this.stream = null;
    this.title = document.title;
    stopButton.addEventListener("click", () => this.stop());
    window.addEventListener("pagehide", () => this.stop());
  }

  get isOn() {
    return this.stream !== null;
  }

  /** A <video> that shows the camera. */
  async start() {
    if (!navigator.mediaDevices) throw new Error("browsers give pages a camera only over https or on this machine");
    this.stream = await navigator.mediaDevices.getUserMedia(WANTED).catch((error) => {
      throw new Error(REASONS[error.name] ?? `the camera cannot be used (${error.message})`);
    });
    this.mark.hidden = false;
    document.title = `● camera on: ${this.title}`;
    this.stream.getTracks()[0].addEventListener("ended", () => this.stop()); // unplugged, or no longer allowed
    const video = document.createElement("video");
    Object.assign(video, { muted: true, playsInline: true, srcObject: this.stream });
    await video.play();
    return video;
  }

  stop() {
    if (!this.isOn) return;
    for (const track of this.stream.getTracks()) track.stop();
    this.stream = null;
    this.mark.hidden = true;
    document.title = this.title;
    this.onStop();
  }
}
