"""The network here is the sum of a face's pixels; each test looks at which faces it got at a time."""

import asyncio
import threading

import numpy as np
import pytest

from mien.web.batching import Batcher


class Network:
    def __init__(self):
        self.runs = []
        self.may_go = threading.Event()
        self.may_go.set()

    def __call__(self, framings):
        self.may_go.wait(10)
        self.runs.append([face.sum() for face in framings[0]])
        if 99 in self.runs[-1]:
            raise ZeroDivisionError("in the network")
        return np.array([[face.sum()] for face in framings[0]], np.float32)


def faces(*values):
    return [[np.full((1, 1, 3), value, np.float32)[..., :1] for value in values]]


async def ask(batcher, *values):
    return (await batcher(faces(*values)))[:, 0].tolist()


def run(test, network, **options):
    async def body():
        batcher = Batcher(network, **{"most": 32, "wait_s": 0.05, **options})
        try:
            return await test(batcher)
        finally:
            await batcher.close()

    return asyncio.run(body())


def test_one_that_is_alone_does_not_wait():
    network = Network()

    async def test(batcher):
        start = asyncio.get_running_loop().time()
        assert await ask(batcher, 1, 2) == [1, 2]
        return asyncio.get_running_loop().time() - start

    assert run(test, network, wait_s=30) < 5


def test_those_that_come_at_the_same_time_share_a_run_and_get_their_own_rows():
    network, seen = Network(), []

    async def test(batcher):
        with batcher.coming():
            return await asyncio.gather(ask(batcher, 1), ask(batcher, 2, 3), ask(batcher, 4))

    assert run(test, network, seen=seen.append) == [[1], [2, 3], [4]]
    assert network.runs == [[1, 2, 3, 4]]
    assert seen == [4]


def test_those_that_are_coming_are_waited_for():
    network = Network()

    async def test(batcher):
        async def later():
            with batcher.coming():
                await asyncio.sleep(0.02)
            return await ask(batcher, 2)

        return await asyncio.gather(ask(batcher, 1), later())

    assert run(test, network, wait_s=10) == [[1], [2]]
    assert network.runs == [[1, 2]]


def test_but_not_for_ever():
    network = Network()

    async def test(batcher):
        with batcher.coming():
            return await ask(batcher, 1)

    assert run(test, network, wait_s=0.01) == [1]


def test_a_full_run_does_not_wait():
    network = Network()

    async def test(batcher):
        with batcher.coming():
            return await asyncio.gather(*(ask(batcher, value) for value in range(4)))

    assert run(test, network, most=2, wait_s=0.2) == [[0], [1], [2], [3]]
    assert network.runs == [[0, 1], [2, 3]]


def test_while_the_network_runs_others_gather():
    network = Network()
    network.may_go.clear()

    async def test(batcher):
        first = asyncio.create_task(ask(batcher, 1))
        await asyncio.sleep(0.02)
        rest = [asyncio.create_task(ask(batcher, value)) for value in (2, 3, 4)]
        await asyncio.sleep(0.02)
        network.may_go.set()
        return await asyncio.gather(first, *rest)

    assert run(test, network) == [[1], [2], [3], [4]]
    assert network.runs == [[1], [2, 3, 4]]


def test_an_error_reaches_those_of_its_run_and_no_others():
    network = Network()

    async def test(batcher):
        with pytest.raises(ZeroDivisionError, match="in the network"):
            await ask(batcher, 99)
        return await ask(batcher, 1)

    assert run(test, network) == [1]


def test_one_that_has_gone_takes_nobody_with_it():
    network = Network()
    network.may_go.clear()

    async def test(batcher):
        tasks = [asyncio.create_task(ask(batcher, value)) for value in (1, 2)]
        await asyncio.sleep(0.02)
        tasks[0].cancel()
        network.may_go.set()
        return await tasks[1]

    assert run(test, network) == [2]


def test_closing_answers_those_that_wait():
    network = Network()
    network.may_go.clear()

    async def test(batcher):
        tasks = [asyncio.create_task(ask(batcher, value)) for value in (1, 2)]
        await asyncio.sleep(0.02)
        tasks.append(asyncio.create_task(ask(batcher, 3)))
        await asyncio.sleep(0.02)
        network.may_go.set()
        await batcher.close()
        return await asyncio.gather(*tasks)

    assert run(test, network) == [[1], [2], [3]]


def test_without_waiting_each_runs_by_itself():
    network = Network()

    async def test(batcher):
        return await asyncio.gather(ask(batcher, 1), ask(batcher, 2, 3))

    assert run(test, network, wait_s=0) == [[1], [2, 3]]
    assert sorted(network.runs) == [[1], [2, 3]]
