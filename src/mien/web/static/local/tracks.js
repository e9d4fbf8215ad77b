// Numbers for the people in a video, and their answers smoothed over time.
//
// Smoothing is that of mien/runtime/smooth.py. Following is simpler than mien/faces/track.py: a face gets the number of
// the face that it overlaps most, where that was last seen, without a guess of where it moves to.

import { expression, softmax } from "./network.js";
import { overlap } from "./detector.js";

const SMOOTH_S = 0.3;
const MAX_GAP_S = 1;
const MIN_OVERLAP = 0.15;
const LEAST = 1e-7;

export class Tracks {
  constructor(labels, threshold) {
    this.labels = labels;
    this.threshold = threshold;
    this.tracks = [];
    this.last = 0;
  }

  /** The faces of one frame with their `track`, expressions smoothed. */
  follow(faces, time_s) {
    this.tracks = this.tracks.filter((track) => time_s - track.time_s <= MAX_GAP_S);
    const free = new Set(this.tracks);
    const pairs = faces
      .flatMap((face) => this.tracks.map((track) => ({ face, track, shared: overlap(face.face.box, track.box) })))
      .filter((pair) => pair.shared >= MIN_OVERLAP)
      .sort((one, other) => other.shared - one.shared);
    const found = new Map();
    for (const { face, track } of pairs) {
      if (found.has(face) || !free.delete(track)) continue;
      found.set(face, track);
    }
    return faces.map((face) => {
      const track = found.get(face) ?? this.begin();
      return { track: track.number, face: face.face, expression: this.smooth(track, face, time_s) };
    });
  }

  begin() {
    this.last += 1;
    const track = { number: this.last, logits: null, time_s: 0, box: null };
    this.tracks.push(track);
    return track;
  }

  smooth(track, { face, expression: seen }, time_s) {
    const logits = this.labels.map((name) => Math.log(Math.max(seen.probabilities[name], LEAST)));
    const before = track.logits ?? logits;
    const share = -Math.expm1(-(time_s - track.time_s) / SMOOTH_S);
    track.logits = logits.map((value, index) => before[index] + share * (value - before[index]));
    track.time_s = time_s;
    track.box = face.box;
    return expression(this.labels, softmax(track.logits), this.threshold);
  }
}
