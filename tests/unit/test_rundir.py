"""The files of a run."""

import pytest

from mien.errors import RunError
from mien.rundir import RunDir


def test_names_are_all_below_the_folder_and_all_different(tmp_path):
    run = RunDir(tmp_path)
    names = [name for name, value in vars(RunDir).items() if isinstance(value, property) and name != "is_done"]
    paths = [getattr(run, name) for name in names]
    assert all(path.parent == tmp_path for path in paths)
    assert len(set(paths)) == len(paths)


def test_json_there_and_back_and_the_marker(tmp_path):
    run = RunDir(tmp_path / "new")
    assert not run.is_done
    run.write_json(run.done, {"reason": "all epochs"})
    assert run.is_done
    assert run.read_json(run.done) == {"reason": "all epochs"}


def test_a_killed_run_loses_only_its_last_line(tmp_path):
    run = RunDir(tmp_path)
    run.log.write_text('{"epoch": 1}\n{"epoch": 2}\n{"epo')
    assert run.epochs() == [{"epoch": 1}, {"epoch": 2}]


def test_folders_that_are_no_runs(tmp_path):
    run = RunDir(tmp_path / "nothing")
    with pytest.raises(RunError, match="not a run folder"):
        run.epochs()
    with pytest.raises(RunError, match=r"data\.json"):
        run.read_json(run.data)
