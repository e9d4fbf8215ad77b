"""Enhancement in one line: ``mien.EmotionImageEnhancer``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.enhance.engines import Plan
from mien.enhance.enhancer import Enhancer
from mien.enhance.finish import Finish
from mien.enhance.folder import enhance
from mien.errors import InputError
from mien.images import Source, read, write
from mien.manifest import Manifest

if TYPE_CHECKING:
    import pandas

#: Columns that hold the picture's file, in the order they are looked for.
FILE_COLUMNS = ("image", "image_path", "path", "file", "filename", "pth")


class EmotionImageEnhancer:
    """Makes small face pictures larger and clearer.

    Args:
        model_type: ``enhanced_srcnn``, ``srcnn``, ``subpixel``, ``bicubic``, ``lanczos``, or name or path of another
            enhancer. A learned one runs only with trained weights.
        device: ``auto``, ``cuda`` or ``cpu``.
        sharpen: how much of the difference to a blurred copy is added; 0 = not.
        contrast: factor on the distance to the mean; 1 = as it is.

    Raises:
        ModelError: there are no trained weights, or the model is no enhancer.
        InputError: there is no such device.

    Example:
        >>> import numpy as np
        >>> enhancer = EmotionImageEnhancer("bicubic")
        >>> enhancer.enhance_image(np.zeros((48, 48), np.uint8)).shape
        (224, 224)
    """

    def __init__(
        self,
        model_type: str | os.PathLike[str] = "enhanced_srcnn",
        device: str = "auto",
        *,
        sharpen: float = 0.0,
        contrast: float = 1.0,
    ) -> None:
        self.model_type = os.fspath(model_type)
        self.device = str(device)
        self.finish = Finish(sharpen=sharpen, contrast=contrast)
        self._enhancer = Enhancer(self.model_type, 224, self.finish, device=self.device)

    def enhance_image(self, source: Source, target_size: tuple[int, int] = (224, 224)) -> Any:
        """Enhance one picture.

        Args:
            source: path, encoded bytes, PIL image, RGB or grey array.
            target_size: (height, width) in pixels.

        Returns:
            (height, width) uint8 of a grey picture, (height, width, 3) RGB of one with colours.

        Raises:
            ImageError: it cannot be read.
        """
        if (self._enhancer.height, self._enhancer.width) != tuple(target_size):
            self._enhancer = Enhancer(self.model_type, target_size, self.finish, device=self.device)
        return self._enhancer([read(source)])[0]

    def enhance_image_file(
        self,
        input: str | os.PathLike[str],
        output: str | os.PathLike[str],
        target_size: tuple[int, int] = (224, 224),
    ) -> Path:
        """Enhance one file.

        Args:
            input: the picture; is only read.
            output: file to write, in the current folder or any other; folders that are missing are made.
            target_size: (height, width) in pixels.

        Returns:
            The file that was written.

        Raises:
            ImageError: it cannot be read, or pictures are not written with such a suffix.
            InputError: output is the input.
        """
        target = Path(output)
        if target.resolve() == Path(input).resolve():
            raise InputError(f"{input}: is input and output at once; originals are not replaced")
        write(target, self.enhance_image(input, target_size))
        return target

    def enhance_dataset(
        self,
        df: pandas.DataFrame,
        input_dir: str | os.PathLike[str],
        output_dir: str | os.PathLike[str],
        *,
        target_size: tuple[int, int] = (224, 224),
        workers: int | None = None,
    ) -> dict[str, Any]:
        """Enhance the pictures of a table.

        Args:
            df: one row per picture; the file, relative to ``input_dir``, in a column ``image``, ``path``, ``file`` or
                the like. Other columns (label, split ...) go into the new manifest.
            input_dir: where the pictures are.
            output_dir: new folder, or that of the same job, which then goes on.
            target_size: (height, width) in pixels.
            workers: batches at the same time; None = one per core.

        Returns:
            ``total``, ``processed``, ``failed`` (counts), ``errors`` (file -> reason), ``manifest``, ``seconds`` and
            ``images_per_second``. A picture that cannot be read is counted as failed, and the others go on.

        Raises:
            InputError: the table has no column of files.
            RunError: ``output_dir`` holds something else.
        """
        column = next((name for name in FILE_COLUMNS if name in df.columns), None)
        if column is None:
            raise InputError(f"no column of files among {list(df.columns)}: expected one of {', '.join(FILE_COLUMNS)}")
        manifest = Manifest(df.rename(columns={column: "image"}), Path(input_dir))
        plan = Plan(self.model_type, target_size, self.finish, device=self.device)
        found = enhance(manifest, output_dir, plan, workers=workers)
        about = found.to_dict()
        return {
            "total": len(manifest),
            "processed": found.done,
            "failed": len(found.failed),
            "errors": dict(found.failed),
            "manifest": str(found.manifest),
            "seconds": about["seconds"],
            "images_per_second": about["images_per_second"],
        }
