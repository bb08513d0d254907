"""Running whole processes in turns and taking the median of each: time from start to exit, and peak memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Contender:
    """A command under test."""

    name: str
    command: Sequence[str]
    rounds: int = 0
    """Rounds to take part in; 0 for all."""
    seconds: list[float] = field(default_factory=list)
    peak_mib: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Median of the wall-clock seconds."""
        return statistics.median(self.seconds)

    @property
    def cpu(self) -> float:
        """Median of the seconds of processor time, user and system."""
        return statistics.median(self.cpu_seconds)

    @property
    def peak(self) -> float:
        """Median of the peak resident memory in MiB."""
        return statistics.median(self.peak_mib)

    def run(self) -> None:
        """Run it once, output thrown away.

        Raises:
            RuntimeError: it failed, so its time means nothing.
        """
        start = time.perf_counter()
        with (
            open(os.devnull, "wb") as nowhere,
            subprocess.Popen(self.command, stdout=nowhere, stderr=nowhere) as process,
        ):
            _, status, usage = os.wait4(process.pid, 0)
            self.seconds.append(time.perf_counter() - start)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"{self.name} failed with status {process.returncode}: {' '.join(self.command)}")
        self.cpu_seconds.append(usage.ru_utime + usage.ru_stime)
        self.peak_mib.append(usage.ru_maxrss / 1024)


def run_in_turns(contenders: Sequence[Contender], rounds: int) -> None:
    """One run of each, then the next round: what slows the machine down slows all of them."""
    for number in range(rounds):
        for contender in contenders:
            if not contender.rounds or number < contender.rounds:
                contender.run()
                print(f"  round {number + 1}: {contender.name} {contender.seconds[-1]:.2f} s", file=sys.stderr)
