"""``mien sweep``: mistakes first, options that reach the search, what people and programs read at the end."""

import json

import pytest

SUMMARY = {
    "recipe": "toy", "metric": "macro_f1", "split": "val", "rows": 1000, "sampler": "tpe", "pruner": "none", "seed": 4,
    "space": {"optimizer.rate": {"form": "log(0.001, 0.1)", "low": 1e-3, "high": 0.1, "is_log": True}},
    "counts": {"complete": 2, "pruned": 1, "failed": 0, "running": 0},
    "start": 0, "best": 1, "margin": 0.031, "importance": {},
    "trials": [
        {"trial": number, "state": state, "value": value, "last_value": 0.4, "values": {"optimizer.rate": 0.0123456},
         "epochs": 5, "chosen_epoch": 4, "seconds": 12.3, "error": None, "folder": f"trial-00{number}"}
        for number, state, value in ((0, "complete", 0.5), (1, "complete", 0.5625), (2, "pruned", None))
    ],
}  # fmt: skip


@pytest.fixture
def searched(monkeypatch):
    """A sweep that only notes how it was called."""
    calls = []

    def sweep(space, data, out, **options):
        calls.append((space, data, out, options))
        options["say"]("trial 0: [fine]")
        return SUMMARY

    monkeypatch.setattr("mien.train.sweep.search.sweep", sweep)
    return calls


def test_the_table_tells_what_was_found_and_that_it_flatters(mien, searched):
    done = mien("sweep", "toy", "--data", "faces.csv", "--search", "optimizer.rate=log(1e-3, 1e-1)")
    assert done.code == 0, done.err
    assert "trial 0: [fine]" in done.out
    rows = [line.split() for line in done.out.splitlines() if "%" in line][:2]
    assert rows == [["1", "56.2%", "5", "12.3", "0.01235"], ["0", "(start)", "50.0%", "5", "12.3", "0.01235"]]
    assert "2 complete, 1 pruned" in done.out
    assert "the best has 56.2%, the recipe as it is 50.0%" in done.out
    assert "The best of 3 trials was chosen on val, so its number flatters" in done.out
    assert "mien evaluate sweeps/toy/trial-001/model.onnx faces.csv --split test" in done.out


def test_options_reach_the_search(mien, searched, tmp_path):
    (tmp_path / "space.yaml").write_text("augment.level: int(0, 3)\n")
    done = mien(
        "sweep", "toy", "--data", "faces.csv", "--space", "space.yaml", "--search", "loss.smoothing=uniform(0, 0.3)",
        "--set", "schedule.epochs=7", "--trials", 9, "--jobs", 3, "--sampler", "cmaes", "--pruner", "hyperband",
        "--seed", 4, "--device", "cpu", "--threads", 6, "--out", "here", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert json.loads(done.out) == SUMMARY
    assert "trial 0" in done.err
    ((space, data, out, options),) = searched
    assert space.forms() == {"augment.level": "int(0, 3)", "loss.smoothing": "uniform(0, 0.3)"}
    assert space.recipe.schedule.epochs == 7
    assert (str(data), str(out)) == ("faces.csv", "here")
    expected = {"trials": 9, "jobs": 3, "sampler": "cmaes", "pruner": "hyperband", "seed": 4, "threads": 6}
    assert {name: options[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "nothing to search"),
        (["--search", "optimizer.rat=log(1e-3, 1e-1)", "--search", "augment.level=int(0, 4)"], "2 mistakes"),
        (["--search", "augment.level=int(0, 3)", "--sampler", "tep"], "did you mean 'tpe'"),
        (["--search", "loss.smoothing=uniform(0, 0.3)", "--sampler", "grid"], "loss.smoothing: give a step"),
        (["--search", "augment.level=int(0, 3)", "--set", "schedule.epochs=0"], "schedule.epochs"),
        (["--search", "augment.level=int(0, 3)", "--jobs", "0"], "--jobs"),
        (["--search", "augment.level=int(0, 3)"], "missing.csv"),
    ],
)
def test_a_mistake_is_exit_code_2(mien, tmp_path, options, message):
    done = mien("sweep", "toy", "--data", "missing.csv", *options)
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "sweeps").exists()
