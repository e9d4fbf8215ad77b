"""The picture itself is looked at by people; here: what is read from the records, and that odd records draw."""

import numpy as np
import pytest

from mien.errors import InputError
from mien.images import read
from mien.report.history import _apart, plot_history, series_of

RECORDS = [
    {
        "epoch": epoch,
        "phase": "weak" if epoch < 3 else "all",
        "train": {"loss": 1 / epoch, "accuracy": 0.4},
        "val": {"loss": 2 / epoch, "accuracy": 0.5, "recall": {"happy": 0.1 * epoch, "not.interested": 0.2}},
        "lr": {"backbone": 1e-5, "head": 1e-3},
        "best": epoch == 2,
    }
    for epoch in range(1, 5)
]


def test_a_series_is_read_by_its_key():
    np.testing.assert_allclose(series_of(RECORDS, "val.recall.happy"), [0.1, 0.2, 0.3, 0.4])
    np.testing.assert_allclose(series_of(RECORDS, "val.recall.not.interested"), 0.2)
    np.testing.assert_allclose(series_of([{"lr": 0.1}, {}, {"lr": None}], "lr"), [0.1, np.nan, np.nan])


@pytest.mark.parametrize(
    "records", [RECORDS, RECORDS[:1], [{}], [{"epoch": 1, "lr": 0.0}, {"epoch": 2, "val": {"recall": {}}}]]
)
def test_it_draws_whatever_is_there(tmp_path, records):
    path = plot_history(records, tmp_path / "new" / "history.png")
    assert read(path).std() > 1
    assert [file.name for file in path.parent.iterdir()] == ["history.png"]


def test_no_records_and_no_format_are_errors(tmp_path):
    with pytest.raises(InputError, match="no epoch"):
        plot_history([], tmp_path / "history.png")
    with pytest.raises(InputError, match=r"\.svg"):
        plot_history(RECORDS, tmp_path / "history.xls")


def test_names_at_the_ends_of_lines_do_not_overlap():
    places = _apart([1.0, 1.0, 0.0, 0.99, 0.01], gap=0.05)
    order = np.sort(places)
    assert np.diff(order).min() >= 0.05 - 1e-9
    assert order[-1] <= 1
