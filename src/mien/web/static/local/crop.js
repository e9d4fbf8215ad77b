// Square crops around faces, made upright by their landmarks. The counterpart of mien/faces/align.py.

// Eyes and corners of the mouth of an upright face around their centre, as [x, y].
const UPRIGHT = [[-0.2, -0.18], [0.2, -0.18], [-0.16, 0.18], [0.16, 0.18]];
const CORNERS = [0, 1, 3, 4]; // the landmarks that these are; the nose is left out

/** Cut the square with the side max(w, h) * (1 + margin) around a face. */
export function crop(image, { box, landmarks }, margin, shift) {
  const [x1, y1, x2, y2] = box;
  const side = Math.max(1, round(Math.max(x2 - x1, y2 - y1) * (1 + margin)));
  const centre = [(x1 + x2) / 2, (y1 + y2) / 2];
  const angle = landmarks ? lean(landmarks) : 0;
  if (angle === 0) return cut(image, centre[0], centre[1] + shift * side, side);
  return turn(image, centre, angle, shift * side, side);
}

/** How far a face leans, in radians, clockwise: the rotation that fits the four corners best. */
export function lean(landmarks) {
  const points = CORNERS.map((index) => landmarks[index]);
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / 4;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / 4;
  let real = 0;
  let imaginary = 0;
  points.forEach(([x, y], index) => {
    const [u, v] = UPRIGHT[index];
    real += u * (x - meanX) + v * (y - meanY);
    imaginary += u * (y - meanY) - v * (x - meanX);
  });
  return Math.atan2(imaginary, real);
}

/** Half to even, as Python rounds: a crop must not lie one pixel beside the server's. */
export function round(value) {
  const nearest = Math.round(value);
  return nearest - value === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
}

// Whole pixels; where the square reaches outside the picture, border pixels are repeated.
function cut({ width, height, channels, data }, centreX, centreY, side) {
  const left = round(centreX - side / 2);
  const top = round(centreY - side / 2);
  const result = new Uint8Array(side * side * channels);
  for (let row = 0, to = 0; row < side; row += 1) {
    const y = Math.min(Math.max(top + row, 0), height - 1);
    for (let column = 0; column < side; column += 1) {
      const x = Math.min(Math.max(left + column, 0), width - 1);
      for (let channel = 0; channel < channels; channel += 1, to += 1) {
        result[to] = data[(y * width + x) * channels + channel];
      }
    }
  }
  return { width: side, height: side, channels, data: result };
}

// Turned around the box's centre so that the eyes are level: one bilinear warp, without a change of scale.
function turn({ width, height, channels, data }, [centreX, centreY], angle, down, side) {
  const cosine = Math.cos(angle);
  const sine = Math.sin(angle);
  const middleX = centreX - sine * down - 0.5; // boxes have pixel centres at halves, arrays at whole numbers
  const middleY = centreY + cosine * down - 0.5;
  const half = (side - 1) / 2;
  const inside = (value, most) => Math.min(Math.max(value, 0), most - 1);
  const result = new Uint8ClampedArray(side * side * channels);
  for (let v = 0, to = 0; v < side; v += 1) {
    for (let u = 0; u < side; u += 1) {
      const x = middleX + cosine * (u - half) - sine * (v - half);
      const y = middleY + sine * (u - half) + cosine * (v - half);
      const column = Math.floor(x);
      const row = Math.floor(y);
      const right = x - column;
      const low = y - row;
      const left = inside(column, width);
      const next = inside(column + 1, width);
      const upper = inside(row, height) * width;
      const under = inside(row + 1, height) * width;
      for (let channel = 0; channel < channels; channel += 1, to += 1) {
        const at = (place) => data[place * channels + channel];
        const above = at(upper + left) * (1 - right) + at(upper + next) * right;
        const below = at(under + left) * (1 - right) + at(under + next) * right;
        result[to] = above * (1 - low) + below * low;
      }
    }
  }
  return { width: side, height: side, channels, data: result };
}
