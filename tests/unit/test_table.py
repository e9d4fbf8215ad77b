"""Things that go by name."""

import math
import sys

import pytest

from mien.errors import UnknownName
from mien.table import Table, did_you_mean, nearest

TABLE = Table("number", {"pi": ("math:pi", "half a turn"), "e": ("math:e", "growth"), "gone": ("math:gone", "")})


def test_reading_and_loading():
    assert (TABLE.names(), len(TABLE), "pi" in TABLE, "tau" in TABLE) == (["pi", "e", "gone"], 3, True, False)
    assert TABLE.entry("e").help == "growth"
    assert TABLE.load("pi") is math.pi
    with pytest.raises(AttributeError):
        TABLE.load("gone")


def test_a_table_costs_nothing_to_read():
    sys.modules.pop("this_is_not_imported", None)
    table = Table("thing", {"x": ("this_is_not_imported:y", "")})
    assert list(table) == ["x"]
    assert "this_is_not_imported" not in sys.modules


def test_unknown_names():
    with pytest.raises(UnknownName, match=r"unknown number 'pii': did you mean 'pi'\?"):
        TABLE.load("pii")
    with pytest.raises(UnknownName, match="known: pi, e, gone"):
        TABLE.entry("zzz")


def test_nearest_ignores_case_and_puts_the_best_first():
    assert nearest("RESNET", ["resnet18", "ResNet", "vgg"])[0] == "ResNet"
    assert nearest("zzz", ["a"]) == []
    assert did_you_mean("vgg", ["vgg16", "vgg19", "alexnet"]).startswith("did you mean 'vgg")
