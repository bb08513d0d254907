"""How fast the inspector is: ``python -m bench.inspector``, part of ``make bench``.

The real command in a terminal of our own (`bench.terminal`), 120x40: from the start of the process to the first frame
with something in it, and to the frame with the list, beside ``tshark -c1`` in turns; keys in lists of a hundred
thousand attempts and a million packets, from the key to the frame that shows what it did; and a live source of ten
thousand packets a second, from the moment of a packet to the frame that counts it.
"""

from __future__ import annotations

import argparse
import bisect
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.measure import Contender
from bench.run import make
from bench.terminal import Frame, Terminal, TooSlowError

LIST_TITLE = "attempts ·"
PACKETS_TITLE = "packets ·"
_COUNT = re.compile(r"(\d[\d ]*) packets?")
_PAGE_DOWN, _PAGE_UP, _DOWN, _UP, _END = b"\x1b[6~", b"\x1b[5~", b"j", b"k", b"G"


@dataclass(slots=True)
class Starts:
    """Starts of the inspector on one file, and of tshark."""

    name: str
    path: Path
    first: list[float] = field(default_factory=list)
    listed: list[float] = field(default_factory=list)
    tshark: list[float] = field(default_factory=list)
    peak: float = 0.0

    def run(self) -> None:
        """One start of each."""
        tshark = shutil.which("tshark")
        if tshark:
            one = Contender("tshark -c1", [tshark, "-n", "-c1", "-r", str(self.path)])
            one.run()
            self.tshark += one.seconds
        with inspector(self.path) as terminal:
            self.first.append(terminal.wait_for_text("peephole").time - terminal.started)
            self.listed.append(terminal.wait_for_text(LIST_TITLE, 300).time - terminal.started)
        self.peak = max(self.peak, terminal.peak_mib)

    @property
    def ratio(self) -> float:
        """First paint in relation to tshark."""
        return statistics.median(self.first) / statistics.median(self.tshark) if self.tshark else float("nan")


@dataclass(slots=True)
class Keys:
    """What keys took in one list."""

    name: str
    pages: list[float] = field(default_factory=list)
    """Seconds from each page key to its frame."""
    page_cpu: float = 0.0
    """Seconds of processor time for each of them."""
    rows: list[float] = field(default_factory=list)
    """Seconds from each key that goes on by a row to its frame."""
    row_cpu: float = 0.0
    """Seconds of processor time for each of them."""
    frames_per_second: float = 0.0
    """Of a key that is pressed again with every frame."""
    peak: float = 0.0


def inspector(path: Path) -> Terminal:
    """The command as a user starts it."""
    return Terminal([sys.executable, "-m", "app", str(path)])


def press_and_wait(terminal: Terminal, key: bytes) -> float:
    """Press a key; seconds until the frame that came of it."""
    terminal.press(key)
    pressed = time.monotonic()
    return terminal.wait_for(lambda frame: "▶" in frame.text, 20).time - pressed


def in_list(terminal: Terminal, name: str, pages: int, rows: int) -> Keys:
    """Pages down and up again, then a key that is held down."""
    keys = Keys(name)
    terminal.settle()
    cpu = terminal.cpu_so_far()
    keys.pages = [press_and_wait(terminal, _PAGE_DOWN if n % 4 else _PAGE_UP) for n in range(pages)]
    keys.page_cpu = (terminal.cpu_so_far() - cpu) / pages
    began, cpu = time.monotonic(), terminal.cpu_so_far()
    keys.rows = [press_and_wait(terminal, _DOWN) for _ in range(rows)]
    keys.frames_per_second = rows / (time.monotonic() - began)
    keys.row_cpu = (terminal.cpu_so_far() - cpu) / rows
    press_and_wait(terminal, _END)
    press_and_wait(terminal, _UP)
    return keys


def lists(attempts: Path, packets: Path, pages: int, rows: int) -> list[Keys]:
    """Keys in the list of attempts, while they are still being judged, and in the list of packets."""
    found = []
    for path, name, opens in (
        (attempts, "attempts of {}", b""),
        (packets, "packets of {}", b"P"),
    ):
        with inspector(path) as terminal:
            terminal.wait_for_text(LIST_TITLE, 300)
            if opens:
                terminal.settle()
                terminal.press(opens)
                with suppress(TooSlowError):
                    terminal.wait_for_text("▶", 10)
            terminal.settle(1.0) if opens else terminal.pump(1.0)
            keys = in_list(terminal, name.format(path.name), pages, rows)
            found.append(keys)
        keys.peak = terminal.peak_mib
    return found


def delays(path: Path, rate: float, seconds: float) -> tuple[list[float], float, float]:
    """Delays of packets of a live source, sorted; peak memory in MiB; processor time in relation to time."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told"
        command = [sys.executable, "-m", "bench.live_screen", str(path), "--rate", str(rate), "--told", str(told)]
        with Terminal(command) as terminal:
            terminal.wait_for_text("packets", 60)
            began = float(told.read_text())
            while time.monotonic() < began + seconds:
                terminal.pump(0.05)
    seen = [(count_of(frame), frame.time - began) for frame in terminal.frames]
    counts, times = zip(*((count, at) for count, at in seen if count is not None), strict=True)
    # The first second starts the screen; of the last packets it can't be told.
    found = []
    for number in range(round(rate), counts[-1]):
        at = bisect.bisect_right(counts, number)
        found.append(times[at] - number / rate)
    return sorted(found), terminal.peak_mib, terminal.cpu / seconds


def count_of(frame: Frame) -> int | None:
    """Packets that the status line of a frame counts."""
    found = _COUNT.findall(frame.text)
    return int(found[0].replace(" ", "")) if found else None


def share(values: Sequence[float], part: float) -> float:
    """The value that a part of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def main() -> None:
    """Generate, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--attempts", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--big-rounds", type=int, default=3, help="starts on the big files")
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--rate", type=float, default=10_000.0)
    parser.add_argument("--seconds", type=float, default=15.0, help="of the live source")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, "-m", "compileall", "-q", "app", "bench", "capture", "protocol"], check=True)
        packets, attempts, real = folder / "packets.pcap", folder / "attempts.pcap", folder / "real.pcap"
        busy = folder / "busy.pcap"
        make("bench.generate", str(packets), "--packets", str(args.packets))
        make("bench.generate", str(busy), "--packets", str(round(args.rate * args.seconds * 1.2)))
        make("bench.generate", str(attempts), "--attempts", str(args.attempts))
        make("bench.real", str(real))
        starts = [
            Starts("the real capture", real),
            Starts(f"{args.packets:,} packets", packets),
            Starts(f"{args.attempts:,} attempts", attempts),
        ]
        for number in range(args.rounds):
            for one in starts:
                if one.path == real or number < args.big_rounds:
                    one.run()
        pressed = lists(attempts, packets, args.pages, args.pages)
        late, peak, busyness = delays(busy, args.rate, args.seconds)
    report(starts, pressed)
    print(f"\n### Live, {args.rate:,.0f} packets a second\n\n| from packet to screen | |\n|---|---|")
    print(f"| median | {statistics.median(late) * 1000:.0f} ms |\n| 99 of 100 | {share(late, 0.99) * 1000:.0f} ms |")
    print(f"| processor time | {busyness:.2f} of one core |\n| peak memory | {peak:.0f} MiB |")
    print("\n| goal | measured |\n|---|---|")
    for one in starts:
        print(f"| first paint at most 1.5x of tshark -c1, {one.name} | {one.ratio:.2f}x |")
    for keys in pressed:
        print(f"| page paint under 20 ms, {keys.name} | {statistics.median(keys.pages) * 1000:.1f} ms |")
        print(f"| 50 frames a second, {keys.name} | {keys.frames_per_second:.0f} |")
    print(f"| p99 from event to screen under 100 ms | {share(late, 0.99) * 1000:.0f} ms |")


def report(starts: Sequence[Starts], pressed: Sequence[Keys]) -> None:
    """Print what starts and keys took, in Markdown."""
    print("\n### Starts\n\n| file | tshark -c1 s | first paint s | times tshark | list s | peak MiB |")
    print("|---|---|---|---|---|---|")
    for one in starts:
        first, listed = statistics.median(one.first), statistics.median(one.listed)
        tshark = f"{statistics.median(one.tshark):.2f}" if one.tshark else "-"
        print(f"| {one.name} | {tshark} | {first:.2f} | {one.ratio:.2f} | {listed:.2f} | {one.peak:.0f} |")
    print("\n### Keys\n\n| list | page ms | p99 ms | processor ms | frames/s | p99 ms | processor ms | peak MiB |")
    print("|---|---|---|---|---|---|---|---|")
    for keys in pressed:
        page, worst = statistics.median(keys.pages) * 1000, share(keys.pages, 0.99) * 1000
        print(
            f"| {keys.name} | {page:.1f} | {worst:.1f} | {keys.page_cpu * 1000:.1f} | {keys.frames_per_second:.0f} "
            f"| {share(keys.rows, 0.99) * 1000:.1f} | {keys.row_cpu * 1000:.1f} | {keys.peak:.0f} |"
        )


if __name__ == "__main__":
    main()
