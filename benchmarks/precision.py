"""What do int8 and fp16 files of a model gain in speed and size, what do they lose, and which step costs accuracy?

Run:  python benchmarks/precision.py FACES --model runs/default/model.onnx [--threads 1] [--pictures 1000]
          [--seconds 3] [--out FILE]

FACES is a manifest with the splits train and val, the model a float32 one. Speeds are the best of all runs in the given
time, because other work on the machine only ever adds time; the load average is noted beside them. Where ONNX Runtime
has OpenVINO (package onnxruntime-openvino, in an environment of its own), its speed and answers are measured too:
call it there with --pictures 0 --out FILE. Writes benchmarks/results/precision.md.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from predict import about

from mien.data.faces import faces_of
from mien.images import Pixels
from mien.manifest import Manifest
from mien.runtime.network import Network
from mien.train.precision.convert import Faces, Precision, convert
from mien.train.precision.int8 import _Batches, in_float32, ranges

RESULT = Path(__file__).parent / "results" / "precision.md"
BATCHES = (1, 32)
#: Percentiles and entropy keep every activation of every face in memory: so many faces take about 2 GB.
HISTOGRAM = 64


def changes(graph: onnx.GraphProto) -> dict[str, dict[str, Any]]:
    """What is changed -> settings of ONNX Runtime's quantiser beside those that mien uses."""
    summed = ranges(graph, in_float32(graph))
    seven = {
        name: [{"axis": told[0]["axis"], "symmetric": True, "reduce_range": True}] for name, told in summed.items()
    }
    return {
        "as mien does it": {},
        "the first depthwise convolution in int8 too": {"nodes_to_exclude": in_float32(graph, first=1)},
        "both ends in int8 too": {"nodes_to_exclude": []},
        "the first four convolutions in float32": {"nodes_to_exclude": in_float32(graph, first=4)},
        "the first six": {"nodes_to_exclude": in_float32(graph, first=6)},
        "one scale for all channels of a weight": {"per_channel": False, "extra_options": {"TensorQuantOverrides": {}}},
        "symmetric activations": {"extra_options": {"ActivationSymmetric": True}},
        "signed activations": {"activation_type": QuantType.QInt8},
        "all weights of 8 bits": {"extra_options": {"TensorQuantOverrides": {}}},
        "weights of 7 bits where channels are summed": {"extra_options": {"TensorQuantOverrides": seven}},
        "all weights of 7 bits": {"reduce_range": True, "extra_options": {"TensorQuantOverrides": {}}},
        "ranges: moving average": {"extra_options": {"CalibMovingAverage": True, "CalibMovingAverageConstant": 0.05}},
        "ranges: 99.999 %": {
            "calibrate_method": CalibrationMethod.Percentile,
            "extra_options": {"CalibPercentile": 99.999},
        },
        "ranges: entropy": {"calibrate_method": CalibrationMethod.Entropy},
    }


def faces_in(data: Manifest, network: Network, split: str, count: int) -> list[Pixels]:
    """So many usable faces of a split, drawn at random."""
    rows = data.split(split)
    order = np.random.default_rng(0).permutation(len(rows))[:count]
    found = faces_of(rows.take(order), network.card.preprocess, threads=1)
    return [face for face in found if isinstance(face, np.ndarray)]


def per_second(network: Network, faces: list[Pixels], batch: int, threads: int, seconds: float) -> float:
    """Faces per second of the network alone, without preparing the pictures and without the mirror image.

    With one thread its CPU time counts, which other work on the core does not lengthen much.
    """
    clock = time.process_time if threads == 1 else time.perf_counter
    tensor = network.card.preprocess((faces * batch)[:batch])
    network._run(tensor)
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = clock()
        network._run(tensor)
        best = min(best, clock() - start)
    return batch / best


def row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def size(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.2f}"


def share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.2f} %"


def files(folder: Path, options: argparse.Namespace, data: Manifest) -> tuple[dict[str, Path], list[str]]:
    """The three files, and a table of what the smaller ones lose."""
    original = Network(options.model, options.threads)
    paths = {"float32": original.path, "int8": folder / "int8.onnx", "fp16": folder / "fp16.onnx"}
    lines = [
        row("File", "MB", "Decisions as before", "Logits, rms", "Accuracy", "Points lost (95 %)"),
        row(*["---"] * 6),
    ]
    kinds: tuple[Precision, ...] = ("int8", "fp16")
    for kind in kinds:
        found = convert(options.model, paths[kind], kind, Faces(data), max_loss=100, threads=options.threads)
        if kind == "int8":
            lines.append(row("float32", size(original.path), "", "", share(found.accuracy_before), ""))
        lost = f"{found.loss_points:+.2f} ({found.loss_low:+.2f} to {found.loss_high:+.2f})"
        cells = (share(found.agreement), f"{found.logit_rms:.4f}", share(found.accuracy_after), lost)
        lines.append(row(kind, size(paths[kind]), *cells))
    return paths, lines


def speeds(paths: dict[str, Path], faces: list[Pixels], options: argparse.Namespace) -> list[str]:
    """A table of speeds on every device that computes on the CPU."""
    has_openvino = "OpenVINOExecutionProvider" in onnxruntime.get_available_providers()
    devices = ["cpu", *(["openvino"] if has_openvino else [])]
    heads = ["File", "Device", "Opens in, s", *(f"faces/s, {batch} at a time" for batch in BATCHES)]
    lines = [row(*heads, "Decisions as on the CPU"), row(*["---"] * (len(heads) + 1))]
    for kind, path in paths.items():
        own = None
        for device in devices:
            start = time.perf_counter()
            network = Network(path, options.threads, device)
            network.logits(faces[:1])
            opened = time.perf_counter() - start
            quick = [f"{per_second(network, faces, batch, options.threads, options.seconds):,.0f}" for batch in BATCHES]
            answers = network.logits(faces).argmax(axis=1)
            own = answers if own is None else own
            lines.append(row(kind, device, f"{opened:.2f}", *quick, f"{100 * np.mean(answers == own):.1f} %"))
    return lines


def variants(folder: Path, network: Network, calibrating: list[Pixels], faces: list[Pixels]) -> list[str]:
    """A table of how far the logits go when the quantiser is set otherwise."""
    logging.disable(logging.WARNING)
    prepared = folder / "prepared.onnx"
    quant_pre_process(network.path, prepared, skip_symbolic_shape=True)
    graph = onnx.load(prepared).graph
    outer = in_float32(graph)
    narrow = {"TensorQuantOverrides": ranges(graph, outer)}
    whole = network.logits(faces)
    lines = [row("Quantised", "Logits, rms", "Largest", "Decisions as before"), row(*["---"] * 4)]
    for name, changed in changes(graph).items():
        count = HISTOGRAM if "calibrate_method" in changed else len(calibrating)
        batches: list[NDArray[np.float32]] = [
            network.card.preprocess(calibrating[start : start + 32]) for start in range(0, count, 32)
        ]
        usual = {"per_channel": True, "activation_type": QuantType.QUInt8, "nodes_to_exclude": outer}
        options = {"extra_options": narrow | changed.get("extra_options", {})}
        path = folder / "variant.onnx"
        quantize_static(
            prepared,
            path,
            _Batches(graph.input[0].name, batches),
            quant_format=QuantFormat.QDQ,
            weight_type=QuantType.QInt8,
            **{**usual, **changed, **options},
        )
        content = onnx.load(path)
        del content.metadata_props[:]
        content.metadata_props.add(key="mien.card", value=network.card.to_json())
        onnx.save(content, path)
        logits = Network(path, 1).logits(faces)
        distance, same = np.abs(logits - whole), np.mean(logits.argmax(axis=1) == whole.argmax(axis=1))
        lines.append(row(name, f"{np.sqrt((distance**2).mean()):.3f}", f"{distance.max():.2f}", f"{100 * same:.1f} %"))
        print(lines[-1], flush=True)
    return lines


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", required=True, help="a float32 recognizer: name or file")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--pictures", type=int, default=1000, help="of val, for the table of variants; 0: none")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each speed")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    head, data, network = about(), Manifest.load(options.data), Network(options.model, options.threads)
    faces = faces_in(data, network, "val", max(256, options.pictures))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        paths, lost = files(folder, options, data)
        print("\n".join(lost), flush=True)
        quick = speeds(paths, faces[:256], options)
        print("\n".join(quick), flush=True)
        tried = []
        if options.pictures:
            tried = variants(folder, network, faces_in(data, network, "train", 256), faces[: options.pictures])
    rows = {name: len(data.split(name)) for name in ("train", "val")}
    lines = [
        "# Smaller numbers: int8 and fp16",
        "",
        f"{head} Command: `python benchmarks/precision.py FACES --model {Path(options.model).name} "
        f"--threads {options.threads}`",
        "",
        f"Model: {network.card.name}, SHA-256 {network.digest[:16]}. Compared on val ({rows['val']:,} faces), as the "
        "card says (mirror image averaged or not); int8 calibrated on 512 faces of train. ONNX Runtime "
        f"{onnxruntime.__version__} with {', '.join(onnxruntime.get_available_providers())}.",
        "",
        *lost,
        "",
        f"The network alone, {options.threads} thread{'s' * (options.threads > 1)}, without the mirror image, the best "
        f"run of {options.seconds:g} s{' by CPU time' * (options.threads == 1)}:",
        "",
        *quick,
    ]
    if tried:
        lines += [
            "",
            f"What costs: each line changes one setting; {options.pictures:,} faces of val, without the mirror image, "
            f"calibrated on 256 faces ({HISTOGRAM} for percentiles and entropy).",
            "",
            *tried,
        ]
    options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(options.out.read_text(encoding="utf-8"), end="")


if __name__ == "__main__":
    main()
