"""A day of traffic through a bounded session: ``python -m bench.soak [--packets N]``, 100 million by default.

Packets are made on the fly (`bench.soak_traffic`), no socket is involved; from there on all is what `peephole watch`
does: a live source, a feed, a story, retention, and either the headless conclusions or the inspector's session without
its widgets. It prints memory and speed as it goes, and at the end whether every packet and every attempt was counted,
each with its verdict, and how memory grew after the first quarter.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from app.live_feed import LiveFeed
from app.printed_flows import FlowPrinter
from app.tui.session import Session
from bench.census import census, grown
from bench.soak_traffic import Traffic
from capture.arrivals import Arrivals
from capture.bursts import Burst
from capture.capture_file import CaptureFile
from capture.errors import LiveError
from capture.frames import Interface
from capture.model import Flow, VerdictCode
from capture.retention import KEEP, Retention
from capture.story import Story
from capture.table import PacketTable

PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 1 << 20


class Endless:
    """A live source of packets that are made when they are asked for."""

    error: LiveError | None = None
    way = "made up"
    promiscuous: bool | None = None

    def __init__(self, parts: Iterator[Burst]) -> None:
        self.table = PacketTable()
        self.file = CaptureFile("made up", "live", [Interface(1, "made up")])
        self.spent = 0.0
        """Seconds of processor time that making packets took."""
        self.over = False
        self._arrivals = Arrivals(self.file, self.table)
        self._parts = parts

    def wait(self, timeout: float) -> bool:  # noqa: ARG002
        """There is always more."""
        return not self.over

    def collect(self) -> range:
        """Make the next packets, and move them into the table."""
        began = time.thread_time()
        part = next(self._parts, None)
        self.spent += time.thread_time() - began
        self.over = part is None
        if part is not None and not self._arrivals.put_burst(part):
            raise MemoryError("a part is larger than what may wait")
        return self._arrivals.collect()

    def move(self, table: PacketTable) -> None:
        """Go on in another table."""
        self.table = table
        self._arrivals.move(table)

    def stop(self) -> None:
        """Nothing is left behind."""


class Sample(NamedTuple):
    """Where it stands."""

    packets: int
    rss: float
    """MiB."""


class _Told:
    """What the headless conclusions tell, without printing it: the last verdict of each attempt, counted."""

    def __init__(self, story: Story, retention: Retention) -> None:
        self._story = story
        self._printer = FlowPrinter(story, self._take, as_json=False)
        self._last: dict[str, VerdictCode] = {}
        self._gone: Counter[VerdictCode] = Counter()
        retention.on_adopted.append(self._forget)

    @property
    def verdicts(self) -> Counter[VerdictCode]:
        """How many attempts were last told with which verdict."""
        return self._gone + Counter(self._last.values())

    def look(self, feed: LiveFeed) -> None:
        """As `peephole watch --report` does, some times a second."""
        feed.poll()
        self._story.update()
        self._printer.print_fresh()
        feed.let_go(self._printer.wants)

    def finish(self) -> None:
        """Nothing more comes."""
        self._printer.print_rest()

    def _take(self, flow: Flow) -> bool:
        self._last[flow.id] = flow.verdict.code
        return False

    def _forget(self) -> None:
        """What is no more in the story is told for good."""
        for flow_id in self._last.keys() - {flow.id for flow in self._story.flows}:
            self._gone[self._last.pop(flow_id)] += 1


class Soak:
    """A bounded session, and the traffic that goes through it.

    Args:
        traffic: what goes through.
        keep: packets that are kept.
        inspector: whether they go through the inspector's session, not the headless conclusions.
    """

    def __init__(self, traffic: Traffic, keep: int = KEEP, *, inspector: bool = False) -> None:
        self.traffic = traffic
        self.source = Endless(self.traffic.parts())
        self.story = Story(self.source.table)
        self.retention = Retention(self.story, self.source, keep)
        self.feed = LiveFeed(self.source, None, self.retention)
        self.adopted = 0
        """How often a smaller story took the place of a larger one."""
        self.retention.on_adopted.append(self._count_adopted)
        self._session = Session(self.story, self.feed) if inspector else None
        self._told = None if inspector else _Told(self.story, self.retention)

    def looks(self) -> Iterator[None]:
        """Go through everything, a look at the source at a time."""
        while not self.source.over:
            if self._session is not None:
                self._session.take_in()
                self._session.refresh()
                if self._session.trouble:
                    raise RuntimeError(self._session.trouble)
            elif self._told is not None:
                self._told.look(self.feed)
            yield
        if self._told is not None:
            self._told.finish()

    def wrong(self) -> list[str]:
        """What does not add up at the end; empty if all of it does."""
        story, gone, file = self.story, self.retention.let_go, self.source.file
        verdicts = Counter(gone.verdicts) + Counter(flow.verdict.code for flow in story.flows)
        expected = +Counter(self.traffic.attempts.made)
        counts: list[tuple[str, object, object]] = [
            ("packets", file.packets, self.traffic.made),
            ("packets let go or kept", gone.packets + len(story.table), file.udp),
            ("attempts let go or kept", gone.attempts + len(story.flows), expected.total()),
            ("verdicts of those let go", sum(gone.verdicts.values()), gone.attempts),
            ("verdicts", verdicts, expected),
        ]
        if self._told is not None:
            counts.append(("verdicts told", self._told.verdicts, expected))
        return [f"{what}: {found}, not {right}" for what, found, right in counts if found != right]

    def census(self) -> Counter[str]:
        """Sizes of all that the session holds on to."""
        return census(self.source.file, self.story, self.retention, self.feed, self._session, self._told)

    def _count_adopted(self) -> None:
        self.adopted += 1


def rss() -> float:
    """MiB of memory that the process has."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * PAGE / MIB


def slope(samples: list[Sample]) -> float:
    """MiB per million packets, of the last three quarters."""
    late = samples[len(samples) // 4 :]
    if len(late) < 3:
        return float("nan")
    packets, memory = np.array([one.packets for one in late]) / 1e6, np.array([one.rss for one in late])
    return float(np.polyfit(packets, memory, 1)[0])


def run(soak: Soak, every: int, *, deep: bool) -> int:
    """Run it, and say how it goes every so many packets.

    Args:
        soak: what to run.
        every: packets between two lines.
        deep: whether to say what grew, by class and attribute, and what `tracemalloc` knows.

    Returns:
        Exit status: 1 where totals are wrong.
    """
    samples: list[Sample] = []
    began, spent = time.monotonic(), time.process_time()
    due, before = every, Counter[str]()
    print("   packets    MiB   kept  attempts  let go  packets/s  of CPU, without making them", flush=True)
    for _ in soak.looks():
        if soak.traffic.made < due and not soak.source.over:
            continue
        due += every
        now, cpu = time.monotonic(), time.process_time() - soak.source.spent
        samples.append(Sample(soak.traffic.made, rss()))
        last = samples[-2].packets if len(samples) > 1 else 0
        count, gone = soak.traffic.made - last, soak.retention.let_go
        print(
            f"{soak.traffic.made:10,} {samples[-1].rss:6.0f} {len(soak.story.table):6,} {len(soak.story.flows):9,}"
            f" {gone.attempts:7,} {count / (now - began):10,.0f} {count / max(1e-9, cpu - spent):10,.0f}",
            flush=True,
        )
        began, spent = now, cpu
        if deep:
            before = _say_growth(soak, before)
    gone = soak.retention.let_go
    print(f"adopted {soak.adopted} smaller stories; let go {gone.packets:,} packets, {gone.attempts:,} attempts")
    for code, count in sorted(soak.traffic.attempts.made.items()):
        print(f"  {code:24} {count:8,} made, {gone.verdicts.get(code, 0):8,} let go")
    wrong = soak.wrong()
    print("\n".join(wrong) if wrong else "all totals are right")
    print(f"memory: {slope(samples):+.3f} MiB for each million packets, of the last three quarters")
    return bool(wrong)


def _say_growth(soak: Soak, before: Counter[str]) -> Counter[str]:
    gc.collect()
    after = soak.census()
    for name, (old, new) in sorted(grown(before, after, 200).items(), key=lambda one: one[1][0] - one[1][1])[:25]:
        print(f"    {name}: {old:,} to {new:,}")
    print(f"    objects of the collector: {len(gc.get_objects()):,}")
    if tracemalloc.is_tracing():
        for line in tracemalloc.take_snapshot().statistics("lineno")[:10]:
            print(f"    {line}")
    return after


def main() -> None:
    """Run one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--packets", type=float, default=100e6)
    parser.add_argument("--keep", type=int, default=KEEP)
    parser.add_argument("--part", type=int, default=5000, help="packets between two looks")
    parser.add_argument("--every", type=float, default=1e6, help="packets between two lines")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inspector", action="store_true", help="the inspector's session, not the headless report")
    parser.add_argument("--deep", action="store_true", help="say what grows")
    parser.add_argument("--trace", action="store_true", help="with tracemalloc, which is slow")
    args = parser.parse_args()
    if args.trace:
        tracemalloc.start()
    traffic = Traffic(int(args.packets), args.part, args.seed)
    soak = Soak(traffic, args.keep, inspector=args.inspector)
    sys.exit(run(soak, int(args.every), deep=args.deep or args.trace))


if __name__ == "__main__":
    main()
