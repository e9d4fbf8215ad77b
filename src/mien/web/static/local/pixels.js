// Pixels in plain arrays: {width, height, channels, data}, row by row, channels interleaved, 0 to 255.
//
// The counterpart of mien/images.py. Its rules are OpenCV's, because the networks learned from pictures that OpenCV
// had resized: the canvas resizes in another way, and answers would differ.

/** RGB out of the RGBA of a canvas. */
export function fromCanvas({ width, height, data }) {
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = data[from];
    rgb[to + 1] = data[from + 1];
    rgb[to + 2] = data[from + 2];
  }
  return { width, height, channels: 3, data: rgb };
}

/** Luminance (ITU-R BT.601), in OpenCV's whole numbers. */
export function grey({ width, height, data }) {
  const luminance = new Uint8Array(width * height);
  for (let to = 0, from = 0; to < luminance.length; to += 1, from += 3) {
    luminance[to] = (data[from] * 9798 + data[from + 1] * 19235 + data[from + 2] * 3735 + 16384) >> 15;
  }
  return { width, height, channels: 1, data: luminance };
}

/** Area averaging when shrinking; `enlarge` (linear, cubic, lanczos) when growing. */
export function resize(image, width, height, enlarge = "linear") {
  if (image.width === width && image.height === height) return image;
  if (image.width === 2 * width && image.height === 2 * height) return halve(image);
  const shrinks = width * height < image.width * image.height;
  if (!shrinks && enlarge === "linear") return enlargeLinear(image, width, height);
  const taps = shrinks ? areaTaps : (from, to) => kernelTaps(from, to, KERNELS[enlarge]);
  return resample(image, taps(image.width, width), taps(image.height, height));
}

// OpenCV rounds a half up here, and everywhere else to even as Uint8ClampedArray does.
function halve({ width, channels, data }) {
  const newWidth = width / 2;
  const rowLength = newWidth * channels;
  const result = new Uint8Array(data.length / 4);
  for (let to = 0; to < result.length; to += 1) {
    const row = Math.floor(to / rowLength);
    const column = Math.floor((to % rowLength) / channels);
    const at = (2 * row * width + 2 * column) * channels + (to % channels);
    const under = at + width * channels;
    result[to] = (data[at] + data[at + channels] + data[under] + data[under + channels] + 2) >> 2;
  }
  return { width: newWidth, height: result.length / rowLength, channels, data: result };
}

// In OpenCV's whole numbers (weights of 11 bits, 4 bits of a row's sum dropped): exact arithmetic gives another value
// for one pixel in eight, and probabilities of small faces that differ by 0.04 (benchmarks/results/browser.md).
function enlargeLinear({ width, height, channels, data }, newWidth, newHeight) {
  const [columns, rows] = [linearTaps(width, newWidth), linearTaps(height, newHeight)];
  const rowLength = newWidth * channels;
  const wide = new Int32Array(rowLength * height);
  for (let row = 0, to = 0; row < height; row += 1) {
    for (const { at, next, weight, nextWeight } of columns) {
      for (let channel = 0; channel < channels; channel += 1, to += 1) {
        const from = row * width * channels + channel;
        wide[to] = data[from + at * channels] * weight + data[from + next * channels] * nextWeight;
      }
    }
  }
  const result = new Uint8Array(rowLength * newHeight);
  rows.forEach(({ at, next, weight, nextWeight }, row) => {
    for (let column = 0; column < rowLength; column += 1) {
      const upper = (weight * (wide[at * rowLength + column] >> 4)) >> 16;
      const under = (nextWeight * (wide[next * rowLength + column] >> 4)) >> 16;
      result[row * rowLength + column] = (upper + under + 2) >> 2;
    }
  });
  return { width: newWidth, height: newHeight, channels, data: result };
}

function linearTaps(from, to) {
  return Array.from({ length: to }, (_, index) => {
    const centre = Math.min(Math.max(((index + 0.5) * from) / to - 0.5, 0), from - 1); // the border pixel is repeated
    const at = Math.floor(centre);
    const nextWeight = Math.round(2048 * (centre - at));
    return { at, next: Math.min(at + 1, from - 1), weight: 2048 - nextWeight, nextWeight };
  });
}

// A kernel reaches over `reach` pixels on both sides and weighs a pixel by its distance.
const KERNELS = {
  cubic: {
    reach: 2,
    weigh: (x) => (x <= 1 ? (1.25 * x - 2.25) * x * x + 1 : ((-0.75 * x + 3.75) * x - 6) * x + 3),
  },
  lanczos: { reach: 4, weigh: (x) => sinc(x) * sinc(x / 4) },
};

function sinc(x) {
  return x < 1e-7 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

// Taps say, for each pixel of the new row, which old pixels it is made of and with which weights.

function kernelTaps(from, to, { reach, weigh }) {
  return Array.from({ length: to }, (_, index) => {
    const centre = ((index + 0.5) * from) / to - 0.5;
    const first = Math.floor(centre) - reach + 1;
    const taps = Array.from({ length: 2 * reach }, (_, offset) => ({
      at: Math.min(Math.max(first + offset, 0), from - 1), // the border pixel is repeated
      weight: weigh(Math.abs(first + offset - centre)),
    }));
    return normalised(taps);
  });
}

function areaTaps(from, to) {
  const scale = from / to;
  return Array.from({ length: to }, (_, index) => {
    const begin = index * scale;
    const end = Math.min(begin + scale, from);
    const taps = [];
    for (let at = Math.floor(begin); at < Math.min(Math.ceil(end), from); at += 1) {
      const weight = Math.min(at + 1, end) - Math.max(at, begin);
      if (weight > 1e-3) taps.push({ at, weight }); // OpenCV leaves out slivers, too
    }
    return normalised(taps);
  });
}

function normalised(taps) {
  const total = taps.reduce((sum, tap) => sum + tap.weight, 0);
  return taps.map(({ at, weight }) => ({ at, weight: weight / total }));
}

function resample({ width, height, channels, data }, columnTaps, rowTaps) {
  const newWidth = columnTaps.length;
  const wide = new Float32Array(newWidth * height * channels);
  for (let column = 0; column < newWidth; column += 1) {
    for (const { at, weight } of columnTaps[column]) {
      for (let row = 0; row < height; row += 1) {
        const to = (row * newWidth + column) * channels;
        const from = (row * width + at) * channels;
        for (let channel = 0; channel < channels; channel += 1) wide[to + channel] += weight * data[from + channel];
      }
    }
  }
  const rowLength = newWidth * channels;
  const result = new Uint8ClampedArray(rowLength * rowTaps.length); // rounds, and clips what cubic overshoots
  const line = new Float32Array(rowLength);
  rowTaps.forEach((taps, row) => {
    line.fill(0);
    for (const { at, weight } of taps) {
      const from = at * rowLength;
      for (let column = 0; column < rowLength; column += 1) line[column] += weight * wide[from + column];
    }
    result.set(line, row * rowLength);
  });
  return { width: newWidth, height: rowTaps.length, channels, data: result };
}
