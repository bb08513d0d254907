"""One program that listens while a sender plays a capture on an interface: what it got, lost and took.

Processor time is that of the program and its children, from before the first frame to after the last one was taken in.
"""

from __future__ import annotations

import bisect
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.terminal import Frame, Terminal, TooSlowError

INTERFACE = "lo"
_CPU_CLOCK = 2
"""What makes a process number the number of its clock (``clock_getcpuclockid``)."""
_COUNT = re.compile(r"(\d[\d ]*) packets?")
_DROPPED = re.compile(r"(\d[\d ]*) dropped")
_QUIET = 5.0
"""Seconds without anything new after which all was taken in."""
_IDLE = 0.05
"""Seconds of processor time within a quarter of that: a program that takes no more only looks on."""
_LONGEST = 60.0
"""Seconds after the last frame for which a program that is behind may catch up."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What the sender says."""

    count: int
    seconds: float
    cpu: float
    log: np.ndarray
    """Frames so far, and the moment before they were sent, of each system call."""

    @property
    def rate(self) -> float:
        """Frames a second."""
        return self.count / self.seconds


@dataclass(frozen=True, slots=True)
class Heard:
    """What a program made of it."""

    sent: Sent
    received: int
    dropped: int
    cpu: float
    """Seconds of processor time, children included."""
    caught_up: float
    """Seconds after the last frame until all was taken in."""
    frames_per_second: float = 0.0
    ages: Sequence[float] = ()
    """Of a sample of packets: seconds from the moment of each to the frame of the screen that counts it; in order."""
    peak_mib: float = 0.0

    @property
    def cpu_us(self) -> float:
        """Microseconds of processor time for each packet that was taken in."""
        return self.cpu / max(self.received, 1) * 1e6

    def with_kernel_us(self, alone_us: float) -> float:
        """The same with what the kernel did for it while it handled what was sent.

        Args:
            alone_us: microseconds of processor time that it takes to send a packet when nobody listens.
        """
        sent = self.sent
        return self.cpu_us + (sent.cpu / sent.count * 1e6 - alone_us) * sent.count / max(self.received, 1)

    def age(self, part: float) -> float:
        """Milliseconds that a part of the packets does not exceed."""
        return self.ages[min(len(self.ages) - 1, int(len(self.ages) * part))] * 1000 if self.ages else float("nan")


class Sender:
    """A process that has the frames in memory and waits for the word."""

    def __init__(self, path: Path, rate: float, count: int, folder: Path) -> None:
        self._log = folder / "sent.npy"
        command = [sys.executable, "-m", "bench.sender", str(path), INTERFACE, "--rate", str(rate)]
        command += ["--count", str(count), "--log", str(self._log)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def begin(self) -> None:
        """Send from now on."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    @property
    def done(self) -> bool:
        """Whether all was sent."""
        return self._process.poll() is not None

    def end(self) -> Sent:
        """What was sent, once all was.

        Raises:
            RuntimeError: it failed.
        """
        out, _ = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError("the sender failed")
        said = json.loads(out.splitlines()[-1])
        return Sent(said["sent"], said["seconds"], said["cpu"], np.load(self._log))


def cpu_of(pid: int) -> float:
    """Seconds of processor time of a process and its children that live.

    The kernel has a clock for each process, exact to a nanosecond; what stands in ``/proc`` counts ticks of 10 ms.
    """
    found = 0.0
    for each in (pid, *_children(pid)):
        with suppress(OSError):
            found += time.clock_gettime(~each << 3 | _CPU_CLOCK)
    return found


def _children(pid: int) -> Iterator[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in map(int, children):
        yield child
        yield from _children(child)


def on_screen(command: Sequence[str], sender: Sender, columns: int = 120, rows: int = 40) -> Heard:
    """The inspector, in a terminal."""
    with Terminal(command, columns, rows) as terminal:
        terminal.wait_for_text("live", 60)
        terminal.settle(0.5)
        terminal.frames.clear()
        cpu = cpu_of(terminal.pid)
        sender.begin()
        while not sender.done:
            terminal.pump(0.05)
        sent = sender.end()
        last, ended, changed = -1, time.monotonic(), time.monotonic()
        while time.monotonic() < min(changed + _QUIET, ended + _LONGEST):
            try:
                terminal.pump(0.05)
            except TooSlowError:
                break
            now = counted(terminal.frames)
            if now != last:
                last, changed = now, time.monotonic()
        cpu = cpu_of(terminal.pid) - cpu
        seen = [(count, frame.time) for frame in terminal.frames if (count := number_in(_COUNT, frame)) is not None]
    lost = [found for frame in terminal.frames if (found := number_in(_DROPPED, frame)) is not None]
    within = [frame for frame in terminal.frames if sent.log[0, 1] <= frame.time <= sent.log[-1, 1]]
    return Heard(
        sent,
        seen[-1][0] if seen else 0,
        lost[-1] if lost else 0,
        cpu,
        max(0.0, changed - ended) if changed > ended else 0.0,
        len(within) / sent.seconds,
        ages(sent, seen),
        terminal.peak_mib,
    )


def counted(frames: Sequence[Frame]) -> int:
    """Packets that the last frame of those that say it counts."""
    for frame in reversed(frames[-50:]):
        found = number_in(_COUNT, frame)
        if found is not None:
            return found
    return -1


def number_in(wanted: re.Pattern[str], frame: Frame) -> int | None:
    """A number on the status line."""
    found = wanted.findall(frame.text)
    return int(found[0].replace(" ", "")) if found and found[0].strip() else None


def ages(sent: Sent, seen: Sequence[tuple[int, float]]) -> list[float]:
    """How long each hundredth packet took to the screen; the first second, in which the screen fills, is left out."""
    if not seen:
        return []
    counts = [count for count, _ in seen]
    so_far, times = sent.log[:, 0], sent.log[:, 1]
    found = []
    for number in range(round(min(sent.rate, sent.count / 4)), min(sent.count, counts[-1]), 100):
        at = bisect.bisect_right(counts, number)
        if at < len(counts):
            found.append(seen[at][1] - float(times[int(np.searchsorted(so_far, number, "right"))]))
    return sorted(found)


@contextmanager
def _running(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def headless(command: Sequence[str], sender: Sender, said: Callable[[str, int], tuple[int, int]]) -> Heard:
    """A program without a screen, ended by SIGINT.

    Args:
        command: it says something on standard error when it listens.
        sender: what it listens to.
        said: what it received and lost, by what it said on standard error and how much was sent.
    """
    with _running(command) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        time.sleep(1.0)
        cpu = cpu_of(process.pid)
        sender.begin()
        sent = sender.end()
        ended = time.monotonic()
        busy = quiet_since = cpu_of(process.pid)
        changed = time.monotonic()
        while time.monotonic() < min(changed + _QUIET / 4, ended + _LONGEST):
            time.sleep(0.05)
            busy = cpu_of(process.pid)
            if busy - quiet_since > _IDLE:
                quiet_since, changed = busy, time.monotonic()
        cpu = busy - cpu
        if process.poll() is not None:
            raise RuntimeError(f"{' '.join(command)} ended by itself: {process.stderr.read()}")
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=_LONGEST)
    received, dropped = said(first + rest, sent.count)
    return Heard(sent, received, dropped, cpu, max(0.0, changed - ended))
