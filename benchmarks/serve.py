"""How many requests per second does the server answer, how long do they take, and is any lost at its limit?

Run:  python benchmarks/serve.py

The server is a process of its own, the clients are this one: each sends a photograph of 640 x 480 with one face, waits
for the answer and sends the next, over one connection that stays open. On a machine with two cores they share them.
Each cell is measured over `SECONDS`, after a second that does not count; with gathering (`--batch-wait-ms`) and without
in turn, because other work on the machine changes with time. The server's CPU time hardly depends on that. Writes
benchmarks/results/serve.md.
"""

from __future__ import annotations

import asyncio
import os
import platform
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np

from mien.images import read

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "serve.md"
SECONDS = 8.0
ROUNDS = 2
CLIENTS = (1, 8, 64)
#: Requests at a time that the server of the second table takes.
LIMIT = 16


def photograph() -> bytes:
    """A JPEG of 640 x 480 with the portrait that ships in the middle."""
    image = read(ROOT / "src" / "mien" / "assets" / "eileen_collins.jpg")
    board = np.full((480, 640, 3), 128, np.uint8)
    board[:, 80:560] = cv2.resize(image, (480, 480), interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", board[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


@contextmanager
def server(*options: str) -> Iterator[tuple[int, int]]:
    """A server in a process; gives its port and its process id."""
    command = [sys.executable, "-m", "mien", "serve", "--port", "0", "--rate", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            address = process.stdout.readline().split()[0]
            yield int(address.rpartition(":")[2]), process.pid
        finally:
            process.terminate()


class Client:
    """One connection, as plain as can be: what it costs would be taken from the server."""

    def __init__(self, port: int, picture: bytes) -> None:
        head = (
            f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}"
        )
        self._port, self._request = port, head.encode() + b"\r\n\r\n" + picture

    async def ask(self) -> tuple[int, float]:
        """Send one request; gives its status and the seconds to wait before the next one."""
        if not hasattr(self, "_writer"):
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(self._request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        fields = dict(line.split(": ", 1) for line in head[1:] if line)
        await self._reader.readexactly(int(fields["content-length"]))
        return int(head[0].split()[1]), float(fields.get("retry-after", 0))

    def close(self) -> None:
        self._writer.close()


async def load(port: int, picture: bytes, clients: int, seconds: float) -> tuple[float, list[float], Counter[int], int]:
    """Send requests from so many clients.

    Returns:
        Requests per second that were answered, the seconds of each, the statuses, and the number of all requests with
        those before the clock started.
    """
    taken: list[float] = []
    statuses: Counter[int] = Counter()
    begin, count = time.perf_counter() + 1, 0

    async def one() -> None:
        nonlocal count
        client = Client(port, picture)
        while (start := time.perf_counter()) < begin + seconds:
            status, wait_s = await client.ask()
            count += 1
            end = time.perf_counter()
            if begin <= start:
                statuses[status] += 1
                if status == 200:
                    taken.append(end - start)
            await asyncio.sleep(wait_s)
        client.close()

    await asyncio.gather(*(one() for _ in range(clients)))
    return len(taken) / (time.perf_counter() - begin), taken, statuses, count


def ms(seconds: list[float], share: float) -> float:
    return 1000 * float(np.quantile(seconds, share))


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process has used; unlike time, other work on the machine hardly changes them."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def throughput(picture: bytes) -> list[str]:
    """Rows of the first table: the better of the rounds."""
    found: dict[tuple[int, str], list[tuple[float, list[float], float]]] = {}
    with server("--batch-wait-ms", "4") as on, server("--batch-wait-ms", "0") as off:
        for clients in CLIENTS:
            for name, (port, pid) in (("4 ms", on), ("off", off)) * ROUNDS:
                used = cpu_s(pid)
                rate, taken, statuses, count = asyncio.run(load(port, picture, clients, SECONDS))
                used = 1000 * (cpu_s(pid) - used) / count
                assert set(statuses) == {200}, statuses
                found.setdefault((clients, name), []).append((rate, taken, used))
                print(f"{clients}, {name}: {rate:.1f}/s, p99 {ms(taken, 0.99):.0f} ms, CPU {used:.1f} ms", flush=True)
    rows = []
    for (clients, name), rounds in found.items():
        rate, taken, _ = max(rounds, key=lambda one: one[0])
        used = min(one[2] for one in rounds)
        cells = [f"{rate:.0f}", *(f"{ms(taken, share):.0f}" for share in (0.5, 0.99)), f"{used:.1f}"]
        rows.append(f"| {clients} | {name} | {' | '.join(cells)} |")
    return rows


def at_the_limit(picture: bytes) -> str:
    """64 clients at a server that takes 16 at a time; clients wait as they are told."""
    with server("--max-waiting", str(LIMIT)) as (port, pid):
        rate, taken, statuses, _ = asyncio.run(load(port, picture, 64, SECONDS))
        memory = Path(f"/proc/{pid}/status")
        peak = next((line.split()[1] for line in memory.read_text().splitlines() if line.startswith("VmHWM")), "0")
    assert set(statuses) <= {200, 429}, statuses
    told = statuses[429]
    return (
        f"{sum(statuses.values())} requests: {statuses[200]} answered, {told} told to come again (429 with "
        f"`Retry-After`), none lost or failed. Those answered: {rate:.0f} per second, 99 % within "
        f"{ms(taken, 0.99):.0f} ms. The server's memory was {int(peak) / 1024:.0f} MB at most."
    )


def main() -> None:
    picture = photograph()
    rows, limit = throughput(picture), at_the_limit(picture)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    packages = ", ".join(f"{name} {version(name)}" for name in ("fastapi", "uvicorn", "onnxruntime"))
    text = f"""# The server under load

Made by `python benchmarks/serve.py`: one photograph of 640 x 480 with one face ({len(picture) / 1000:.0f} kB) per
request, the shipped model, server and clients on the same machine; {SECONDS:g} s per cell, the better of {ROUNDS}
rounds.

* {date.today()}, commit {commit.strip()}, {platform.machine()}, {cores} CPU core(s), Python {platform.python_version()}
* {packages}; load average {os.getloadavg()[0]:.1f}

| clients | gathering | requests/s | median, ms | 99 % within, ms | CPU of the server per request, ms |
| --- | --- | --- | --- | --- | --- |
{chr(10).join(rows)}

Clients send their next request as soon as the one before is answered, so with more of them each waits in line: the
time is their number divided by the rate. Gathering (`--batch-wait-ms`) puts the faces of requests that are there at the
same time into one run of the network.

## At the limit

64 clients at a server that takes {LIMIT} requests at a time (`--max-waiting {LIMIT}`): {limit}
"""
    RESULT.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
