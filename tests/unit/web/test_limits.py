import threading

import pytest

from mien.web import limits
from mien.web.limits import Budget, Gate, Rate
from mien.web.problems import Problem


def test_a_gate_counts_requests_and_bytes():
    gate = Gate(most=2, most_bytes=100)
    with gate.hold(60):
        with pytest.raises(Problem, match="60 bytes are being served, no room for 41 more"), gate.hold(41):
            pass
        with gate.hold(40), pytest.raises(Problem, match="2 requests are being served") as caught, gate.hold(0):
            pass
        assert (caught.value.status, caught.value.headers) == (429, {"Retry-After": "1"})
    assert (gate.count, gate.bytes) == (0, 0)


def test_a_place_is_given_back_after_an_error():
    gate = Gate(1, 10)
    with pytest.raises(ZeroDivisionError), gate.hold(5):
        raise ZeroDivisionError
    assert (gate.count, gate.bytes) == (0, 0)


def test_a_budget_lets_small_ones_pass_and_large_ones_wait():
    budget, order = Budget(10), []

    def have(amount, name):
        with budget.hold(amount):
            order.append(name)

    with budget.hold(6):
        with budget.hold(4):
            order.append("together")
        waiting = threading.Thread(target=have, args=(1000, "more than there is"))
        waiting.start()
        waiting.join(0.1)
        assert waiting.is_alive()
        have(3, "small")
    waiting.join(10)
    assert order == ["together", "small", "more than there is"]


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_rate_lets_a_burst_through_and_then_so_many_per_second():
    clock = Clock()
    rate = Rate(2.0, clock)
    assert [rate.take("a") for _ in range(4)] == [0.0] * 4  # two seconds' worth
    assert rate.take("a") == 0.5
    assert rate.take("b") == 0.0  # somebody else
    clock.now = 0.25
    assert rate.take("a") == 0.25  # what was refused has not been counted
    clock.now = 0.5
    assert rate.take("a") == 0.0
    assert rate.take("a") == 0.5
    clock.now = 100
    assert [rate.take("a") for _ in range(5)] == [0.0, 0.0, 0.0, 0.0, 0.5]  # no more is saved up


def test_no_rate():
    assert not any(Rate(0).take("a") for _ in range(1000))


def test_addresses_of_one_customer_count_as_one():
    rate = Rate(0.5, Clock())
    assert rate.take("2001:db8:1:2::1") == 0
    assert rate.take("2001:db8:1:2:ffff::7") == 2
    assert rate.take("2001:db8:1:3::1") == 0


def test_so_many_clients_are_remembered(monkeypatch):
    monkeypatch.setattr(limits, "MAX_CLIENTS", 2)
    rate = Rate(0.5, Clock())
    assert [rate.take(name) for name in ("a", "b", "c", "b", "a")] == [0, 0, 0, 2, 0]
