#!/usr/bin/env python3
"""How long the outages of every origin take: in one process, and on clusters of this machine.

    python3 engines/ballista/measure.py PROGRAM FAULTLINE FILES [--rounds 3]

PROGRAM: a release build of faultline-ballista; FAULTLINE: one of faultline; FILES: a folder of archives. Each executor runs one task at a time. Every way takes its turn in every round, so that
what else the machine does falls on all alike; medians are printed, and what executors passed on. docs/scaling.md has the figures.
"""

import argparse
import contextlib
import os
import resource
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

OWN = subprocess.DEVNULL


def free_port() -> int:
    while True:
        with socket.socket() as one, socket.socket() as next_one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                next_one.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def wait_for(port: int) -> None:
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit(f"nothing listens at port {port}")


def size_below(folder: Path) -> int:
    size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                size += os.stat(os.path.join(place, name)).st_size
    return size


class Cluster:
    """A scheduler and executors, each of one task at a time."""

    def __init__(self, program: str, executors: int) -> None:
        self.folder = Path(tempfile.mkdtemp())
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        self.running = [subprocess.Popen([program, "scheduler", "--listen", self.address], stdout=OWN, stderr=OWN)]
        wait_for(port)
        for number in range(executors):
            own = free_port()
            command = [program, "executor", "--scheduler", self.address, "--listen", f"127.0.0.1:{own}", "--tasks", "1"]
            self.running.append(subprocess.Popen([*command, "--folder", str(self.folder / str(number))], stdout=OWN, stderr=OWN))
            wait_for(own)
        time.sleep(2)

    def passed_on(self) -> int:
        return size_below(self.folder)

    def processor_seconds(self) -> float:
        tick = os.sysconf("SC_CLK_TCK")
        fields = [Path(f"/proc/{child.pid}/stat").read_text().rsplit(")", 1)[1].split() for child in self.running]
        return sum(int(field[11]) + int(field[12]) for field in fields) / tick

    def stop(self) -> None:
        for child in self.running:
            child.kill()
            child.wait()
        shutil.rmtree(self.folder)


def timed(command: list[str], passed_on: Callable[[], int] = lambda: 0) -> tuple[float, float, int]:
    """Seconds by the clock, and of the processor; the most that was passed on at a time, since it is deleted when it is no longer needed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    running, most = subprocess.Popen(command, stdout=OWN, stderr=OWN), 0
    while running.poll() is None:
        most = max(most, passed_on())
        time.sleep(0.05)
    if running.returncode not in (0, 1, 3):
        raise SystemExit(f"{command} ended with {running.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - begun, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("faultline")
    parser.add_argument("files")
    parser.add_argument("--rounds", type=int, default=3)
    typed = parser.parse_args()
    alone = [typed.faultline, "analyze", "--all-origins", typed.files, "--format", "json", "--threads", "1"]
    job = [typed.program, "outages", typed.files, "--json"]
    rows: dict[str, list[tuple[float, float, int]]] = {}
    for _ in range(typed.rounds):
        rows.setdefault("faultline, one thread", []).append(timed(alone))
        rows.setdefault("one process, 1 partition", []).append(timed([*job, "--partitions", "1"]))
        rows.setdefault("one process, 2 partitions", []).append(timed([*job, "--partitions", "2"]))
        for executors in (1, 2):
            cluster = Cluster(typed.program, executors)
            idle = cluster.processor_seconds()
            partitions = str(executors)
            wall, own, passed = timed([*job, "--scheduler", cluster.address, "--partitions", partitions], cluster.passed_on)
            used = own + cluster.processor_seconds() - idle
            rows.setdefault(f"cluster, {executors} executor{'s' if executors > 1 else ''}", []).append((wall, used, passed))
            cluster.stop()
    print(f"archives: {size_below(Path(typed.files)) / 1e6:.1f} MB; medians of {typed.rounds} rounds")
    for name, figures in rows.items():
        wall, used, passed = (statistics.median(column) for column in zip(*figures))
        print(f"{name:<28} {wall:7.2f} s   {used:7.2f} s of the processor   {passed / 1e6:7.1f} MB passed on")


if __name__ == "__main__":
    main()
