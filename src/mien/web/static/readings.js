// Everything that was read since the page was opened or cleared, and its files.

const MOST_ROWS = 100_000; // an hour of a camera with two people; the oldest go first

export class Readings {
  constructor() {
    this.rows = [];
  }

  /** `where` is {source, model, frame?, time_s?}; a picture without a face is a row with its reason. */
  add(where, { size_px, reason, faces }) {
    if (!faces.length) this.rows.push({ ...where, size_px, reason: reason ?? "no face found" });
    faces.forEach((face, index) => this.rows.push({ ...where, size_px, number: index + 1, ...face }));
    if (this.rows.length > MOST_ROWS) this.rows.splice(0, this.rows.length - MOST_ROWS);
  }

  get faces() {
    return this.rows.filter((row) => row.face).length;
  }

  clear() {
    this.rows = [];
  }

  json() {
    const notice = "Perceived expressions: what people would see in a face, not what a person feels.";
    return JSON.stringify({ notice, readings: this.rows }, null, 1);
  }

  /** One row per face; the columns of `mien predict --output readings.csv`, and those of videos. */
  csv() {
    const labels = [...new Set(this.rows.flatMap((row) => Object.keys(row.expression?.probabilities ?? {})))];
    const head = ["source", "model", "frame", "time_s", "track", "face", "x1", "y1", "x2", "y2"];
    const answer = ["label", "confidence", "abstained", "reason"];
    const lines = this.rows.map((row) => {
      const { label, confidence, abstained, probabilities = {} } = row.expression ?? {};
      const box = row.face?.box.map((value) => value.toFixed(1)) ?? ["", "", "", ""];
      const place = [row.source, row.model, row.frame, row.time_s?.toFixed(3), row.track, row.number, ...box];
      const shares = labels.map((name) => probabilities[name]?.toFixed(6));
      return [...place, label, confidence?.toFixed(6), abstained, row.reason, ...shares];
    });
    return [[...head, ...answer, ...labels], ...lines].map((cells) => `${cells.map(quoted).join(",")}\n`).join("");
  }
}

function quoted(value) {
  const text = String(value ?? "");
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Have the browser save a text as a file. */
export function save(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
