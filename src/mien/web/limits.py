"""How much at a time, and how often: what exceeds it is sent away with the time to come again, and never lost."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mien.web.problems import Problem

#: Clients that are remembered; the one not seen for longest is forgotten.
MAX_CLIENTS = 10_000
#: A client may save up so many seconds of its rate: a page that opens sends several requests at once.
BURST_S = 2.0


class Gate:
    """Lets so many requests in at a time, with so many bytes altogether.

    Example:
        >>> gate = Gate(most=1, most_bytes=100)
        >>> with gate.hold(60):
        ...     gate.count
        1
        >>> gate.count
        0
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self.most, self.most_bytes = most, most_bytes
        self.count = 0
        self.bytes = 0

    @contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """Be inside with ``size`` bytes.

        Raises:
            Problem: 429, there is no room.
        """
        if self.count >= self.most:
            raise Problem.wait("busy", f"{self.count} requests are being served, which is the limit", 1)
        if self.bytes + size > self.most_bytes:
            raise Problem.wait(
                "busy", f"uploads of {self.bytes:,} bytes are being served, no room for {size:,} more", 1
            )
        self.count += 1
        self.bytes += size
        try:
            yield
        finally:
            self.count -= 1
            self.bytes -= size


class Budget:
    """Lets threads have so much of something at a time; others wait for it.

    Args:
        most: more than this nobody gets, and who asks for more gets it all.
    """

    def __init__(self, most: int) -> None:
        self._most = self._free = most
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, amount: int) -> Iterator[None]:
        """Wait until there is so much, and have it."""
        amount = min(amount, self._most)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= amount)
            self._free -= amount
        try:
            yield
        finally:
            with self._changed:
                self._free += amount
                self._changed.notify_all()


class Rate:
    """Counts requests per client: a bucket that fills at a rate, from which each request takes one.

    Args:
        per_s: requests per second; 0 for any number.
        clock: gives seconds.

    Example:
        >>> now = 0.0
        >>> rate = Rate(per_s=0.5, clock=lambda: now)
        >>> rate.take("192.0.2.7"), rate.take("192.0.2.7")
        (0.0, 2.0)
    """

    def __init__(self, per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_s = per_s
        self._most = max(1.0, per_s * BURST_S)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> float:
        """Count a request; gives 0, or the seconds to wait when there have been too many (it is not counted then)."""
        if not self.per_s:
            return 0.0
        key, now = _network(client), self._clock()
        level, before = self._buckets.pop(key, (self._most, now))
        level = min(self._most, level + (now - before) * self.per_s)
        wait_s = 0.0 if level >= 1 else (1 - level) / self.per_s
        self._buckets[key] = (level if wait_s else level - 1, now)
        while len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        return wait_s


def _network(client: str) -> str:
    """The address; of IPv6 the first 64 bits, which one customer has to himself."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else client
