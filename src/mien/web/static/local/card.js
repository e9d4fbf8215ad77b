// The card of a model, read out of the model file itself.
//
// An ONNX file is one protobuf message, ModelProto. Its field 14 (metadata_props) holds pairs of key (field 1) and
// value (field 2); everything else is skipped by its length.

const METADATA = 14;
const KEY = "mien.card";

/** The card as an object; throws when the file has none. */
export function readCard(bytes) {
  for (const property of fields(bytes)) {
    if (property.number !== METADATA) continue;
    const pair = Object.fromEntries([...fields(property.content)].map((field) => [field.number, text(field.content)]));
    if (pair[1] === KEY) return JSON.parse(pair[2]);
  }
  throw new Error("this model file has no mien card, so its classes and its input are unknown");
}

function text(bytes) {
  return new TextDecoder().decode(bytes);
}

// The fields of a message: their numbers, and the bytes of those that have a length.
function* fields(bytes) {
  let at = 0;
  const number = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at];
      at += 1;
      value += (byte & 127) * scale;
      if (!(byte & 128)) return value; // undefined, behind the end, ends it as well
    }
  };
  while (at < bytes.length) {
    const tag = number();
    const kind = tag % 8;
    let content = null;
    if (kind === 0) number();
    else if (kind === 1) at += 8;
    else if (kind === 5) at += 4;
    else if (kind === 2) {
      const length = number();
      content = bytes.subarray(at, at + length);
      at += length;
    } else throw new Error("this is not an ONNX file");
    yield { number: Math.floor(tag / 8), content };
  }
}
