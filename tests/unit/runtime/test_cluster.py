"""Calls on a cluster: with one that is made up, and with Ray where it is installed."""

import os
import signal

import pytest

from mien.errors import ClusterError, ImageError, InputError
from mien.runtime.cluster import AHEAD, Cluster

LOADED = []


def load():
    LOADED.append(1)
    return 10


def times(state, item):
    return state * item


def plus(state, item):
    return state + item


def refuse(state, item):
    if item == 5:
        raise ImageError("five is no picture")
    return item


def fail(state, item):
    raise ZeroDivisionError("a mistake of ours")


def test_results_come_in_order_though_calls_end_in_any(made_up_ray):
    LOADED.clear()
    with Cluster(load, workers=3) as cluster:
        assert list(cluster.map(times, range(200))) == [10 * number for number in range(200)]
    assert len(LOADED) == 1
    assert made_up_ray.began == [
        {
            "address": "local",
            "num_cpus": 3,
            "include_dashboard": False,
            "logging_level": "ERROR",
            "log_to_driver": False,
        }
    ]
    assert made_up_ray.ended == 1


def test_one_map_may_feed_another(made_up_ray):
    with Cluster(load, workers=2) as cluster:
        found = list(cluster.map(plus, cluster.map(times, range(100))))
    assert found == [10 + 10 * number for number in range(100)]
    assert made_up_ray.most <= 2 * 2  # of both together


@pytest.mark.parametrize("workers", [1, 3])
def test_few_calls_are_in_flight_however_many_there_are(made_up_ray, workers):
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield taken

    with Cluster(load, workers=workers) as cluster:
        results = cluster.map(times, endless())
        for number in range(1, 500):
            assert next(results) == 10 * number
            assert taken - number <= AHEAD * workers
        results.close()
    assert made_up_ray.most <= 2 * workers
    assert 0 < made_up_ray.cancelled <= AHEAD * workers


def test_an_error_of_ours_comes_through_as_itself(made_up_ray):
    with Cluster(load, workers=2) as cluster:
        with pytest.raises(ImageError, match="five is no picture"):
            list(cluster.map(refuse, range(20)))
        with pytest.raises(made_up_ray.exceptions.RayTaskError):
            list(cluster.map(fail, range(20)))


def test_a_call_that_kills_every_worker_is_told_of(made_up_ray):
    made_up_ray.lost = (7,)
    with Cluster(load, workers=2) as cluster, pytest.raises(ClusterError, match=r"4 attempts .* The worker died\.$"):
        list(cluster.map(times, range(20)))
    assert made_up_ray.ended == 1


def test_a_cluster_that_was_joined_is_left_as_it_is(made_up_ray):
    made_up_ray.init()
    made_up_ray.cores, made_up_ray.threads = 9, 2
    with Cluster(load, threads=2) as cluster:
        assert cluster.workers == 4
        assert list(cluster.map(times, range(50))) == [10 * number for number in range(50)]
    assert made_up_ray.most <= 4
    assert (made_up_ray.began, made_up_ray.ended) == ([{}], 0)


def test_one_that_is_named_is_joined(made_up_ray, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    with Cluster(load) as cluster:
        assert cluster.workers == 2
    assert made_up_ray.began == [{"logging_level": "ERROR", "log_to_driver": False}]
    assert made_up_ray.ended == 1
    monkeypatch.setattr(made_up_ray, "init", lambda **options: 1 / 0)
    with pytest.raises(ClusterError, match=r"cannot join the cluster at 10\.0\.0\.1:6379: division by zero"):
        Cluster(load).__enter__()
    monkeypatch.delenv("RAY_ADDRESS")
    with pytest.raises(ClusterError, match=r"cannot start a cluster \(`ray start --head` .*: division by zero"):
        Cluster(load).__enter__()


def test_workers_work_in_the_same_folder(made_up_ray, tmp_path, monkeypatch):
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    cluster = Cluster(load, workers=1)
    monkeypatch.chdir(tmp_path)
    folder.rmdir()
    with cluster, pytest.raises(ClusterError, match=r"has no folder .*here: start the command in one"):
        list(cluster.map(times, [1]))


def test_numbers_that_make_no_sense():
    with pytest.raises(InputError, match="workers 0"):
        Cluster(load, workers=0)


@pytest.mark.filterwarnings("ignore")
def test_a_killed_worker_loses_nothing(real_ray, tmp_path):
    marker = str(tmp_path / "died")

    def call(state, item):  # defined here, so that it is sent and not looked for
        if item == 7 and not os.path.exists(marker):
            with open(marker, "w"):
                pass
            os.kill(os.getpid(), signal.SIGKILL)
        return state * item

    with Cluster(lambda: 10, workers=2) as cluster:
        assert list(cluster.map(call, range(40))) == [10 * number for number in range(40)]
    assert os.path.exists(marker)
