"""The model card of an enhancer in Markdown: what the file says of itself, and nothing else."""

from __future__ import annotations

from mien.report.card_layout import UNSTATED, chosen_by, layout, pictures
from mien.report.markdown import table
from mien.runtime.session import Opened

#: What every card should tell and the file of an enhancer does not hold.
OPEN = {
    "unseen persons": "faces of persons that neither trained nor chose it",
    "faces of people": "whether it looks after skin, age or glasses of some people less well than others",
    "likeness": "whether people would say that it is still the same face, and the same expression",
}


def enhancer_card(opened: Opened) -> str:
    """The card of an enhancer as Markdown.

    Args:
        opened: a model file of kind ``enhancer``.

    Example:
        >>> enhancer_card(Opened("subpixel")).splitlines()[0]
        '# Model card: subpixel'
    """
    card = opened.card
    chosen = card.metrics.get("selection") or {}
    numbers = [
        (name, f"{chosen[key]:.2f} dB" if "psnr" in key else f"{chosen[key]:.4f}")
        for name, key in (
            ("PSNR", "psnr"),
            ("PSNR of bicubic interpolation", "bicubic_psnr"),
            ("SSIM", "ssim"),
            ("SSIM of bicubic interpolation", "bicubic_ssim"),
        )
        if key in chosen
    ]
    file = [
        ("enlarges", f"{card.scale} times; other sizes by resampling after it"),
        ("learned on", f"faces of {card.preprocess.size_px} px made small, any size fits"),
        ("works on", "luminance; colour is enlarged by interpolation" if card.preprocess.channels == 1 else "RGB"),
        ("licence of the weights", card.licence if card.licence != "unknown" else UNSTATED),
        ("size", f"{opened.path.stat().st_size / 1e6:.2f} MB"),
        ("sha256", f"`{opened.digest}`"),
    ]
    note = "It draws detail that the small picture does not hold. What it adds is a likely guess, not evidence."
    measured = [table(["", ""], numbers), chosen_by(card)] if numbers else ["Not measured."]
    return layout(card, note, file, measured, OPEN, pictures(card))
