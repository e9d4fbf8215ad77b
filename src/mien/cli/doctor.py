"""``mien doctor``: what is installed, what is missing, and which line installs it."""

from __future__ import annotations

import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import typer

#: Extra -> packages (as pip names them) and what they are for.
EXTRAS: dict[str, tuple[str, tuple[str, ...]]] = {
    "base": (
        "predict",
        ("av", "numpy", "onnxruntime", "opencv-python-headless", "pillow", "pydantic", "pyyaml", "rich", "typer"),
    ),
    "cluster": ("one job over many machines", ("ray",)),
    "collect": ("search for videos, download them", ("httpx", "yt-dlp")),
    "serve": ("web page and API", ("fastapi", "prometheus-client", "python-multipart", "uvicorn", "websockets")),
    "lab": (
        "data, train, search, evaluate, report, export",
        (
            "cmaes",
            "jinja2",
            "lightning-fabric",
            "matplotlib",
            "onnx",
            "onnxscript",
            "optuna",
            "pandas",
            "pyarrow",
            "tensorboard",
            "timm",
            "torch",
            "torchvision",
        ),
    ),
}


def _versions(names: tuple[str, ...]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def _self_test() -> str | None:
    """Read the shipped portrait; None when all is well, else what went wrong."""
    from importlib.resources import files

    from mien.errors import MienError
    from mien.runtime.recognizer import Recognizer

    try:
        readings = Recognizer(threads=1).read(str(files("mien") / "assets" / "eileen_collins.jpg"))
    except (MienError, ImportError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    return None if len(readings) == 1 else f"found {len(readings)} faces in a portrait of one person"


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say what is installed, what is missing and which line installs it, and try one prediction.

    Exit code 1 when prediction does not work; a missing extra is no fault.
    """
    from mien import __version__

    report: dict[str, Any] = {
        "mien": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": {extra: _versions(names) for extra, (_, names) in EXTRAS.items()},
    }
    cv = _versions(("opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless"))
    report["other_opencv"] = [name for name, found in cv.items() if found]
    from mien.collect.javascript import is_ready, told

    scripts = _versions(("yt-dlp-ejs",))["yt-dlp-ejs"]  # comes with the extra, not with a bare yt-dlp
    report["youtube"] = {"scripts": scripts, "javascript": told(), "is_ready": scripts is not None and is_ready()}
    base_is_whole = all(report["packages"]["base"].values())
    if base_is_whole:
        import onnxruntime

        from mien.faces import DETECTORS
        from mien.runtime.models import available
        from mien.store import store_dir

        report["providers"] = onnxruntime.get_available_providers()
        report["detectors"] = DETECTORS.names()
        report["models"] = {name: str(path) for name, path in available().items()}
        report["model_store"] = str(store_dir())
        report["prediction"] = _self_test() or "works"
    if as_json:
        print(json.dumps(report, indent=2))
    else:
        _print(report)
    if not base_is_whole or report["prediction"] != "works":
        sys.exit(1)


def _print(report: dict[str, Any]) -> None:
    typer.echo(f"mien {report['mien']}, Python {report['python']}, {report['system']}")
    for extra, (purpose, _) in EXTRAS.items():
        found = report["packages"][extra]
        missing = [name for name, number in found.items() if number is None]
        typer.echo(f"\n{extra} ({purpose}): {'complete' if not missing else 'missing ' + ', '.join(missing)}")
        present = ", ".join(f"{name} {number}" for name, number in found.items() if number)
        if present:
            typer.echo(f"  {present}")
        if missing:
            typer.echo(f"  install: pip install {'mien' if extra == 'base' else repr(f'mien[{extra}]')}")
        if extra == "collect" and not missing:
            _print_youtube(report["youtube"])
    if report["other_opencv"]:
        typer.echo(
            f"\n{', '.join(report['other_opencv'])} is installed beside opencv-python-headless; the two overwrite each "
            f"other's files\n  mend: pip uninstall {' '.join(report['other_opencv'])} && "
            "pip install --force-reinstall opencv-python-headless"
        )
    for name in ("providers", "detectors"):
        if name in report:
            typer.echo(f"\n{name}: {', '.join(report[name])}")
    if "models" in report:
        typer.echo(f"\nmodels: {', '.join(report['models'])}   (your own go into {report['model_store']})")
    typer.echo(f"\nprediction: {report.get('prediction', 'not tried, the base is incomplete')}")


_COLLECT = "pip install 'mien[collect]'"


def _print_youtube(found: dict[str, Any]) -> None:
    from mien.collect.javascript import INSTALL

    parts = f"JavaScript runtime: {found['javascript']}; yt-dlp-ejs: {found['scripts'] or 'missing'}"
    typer.echo(f"  for YouTube: {'ready' if found['is_ready'] else 'not ready'} ({parts})")
    if not found["is_ready"]:
        typer.echo(f"  install: {INSTALL if found['scripts'] else _COLLECT}")
