"""What a training is judged by on val: whose metric it is, which way is better, and how it is written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One number that epochs and trials are compared by.

    Attributes:
        task: the task that it judges.
        lower_is_better: true for distances.
        form: how a value is written.
    """

    task: str
    lower_is_better: bool = False
    form: str = ".1%"

    def goodness(self, value: float) -> float:
        """The value, or its negative: the larger, the better."""
        return -value if self.lower_is_better else value

    def text(self, value: float) -> str:
        """The value for people.

        Example:
            >>> METRICS["accuracy"].text(0.8125), METRICS["fid"].text(9.2989)
            ('81.2%', '9.30')
        """
        return format(value, self.form)


METRICS = {
    "accuracy": Metric("classify"),
    "balanced_accuracy": Metric("classify"),
    "macro_f1": Metric("classify"),
    "psnr": Metric("super_resolve", form=".2f"),
    "ssim": Metric("super_resolve", form=".4f"),
    "fid": Metric("gan", lower_is_better=True, form=".2f"),
    "kid": Metric("gan", lower_is_better=True, form=".4f"),
}
