// One colour per class, the same as in annotated pictures (mien/runtime/draw.py): Okabe and Ito, 2008.

const COLOURS = ["#d55e00", "#009e73", "#cc79a7", "#f0e442", "#0072b2", "#e69f00", "#828c96", "#56b4e9"];

export function colour(index) {
  return COLOURS[index % COLOURS.length];
}

export function percent(value) {
  return `${Math.round(100 * value)} %`;
}

/** What a face is called, in the picture and beside it. */
export function title({ track }, index) {
  return track ? `Person ${track}` : `Face ${index + 1}`;
}
