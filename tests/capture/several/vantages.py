"""Lab captures of several places as live sources that bring their packets when a test says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from capture.arrivals import Arrivals
from capture.bursts import Arrival
from capture.capture_file import CaptureFile
from capture.errors import LiveError
from capture.frame_rows import frames_of
from capture.growing.capture import EndedError
from capture.opening import read_capture
from capture.retention import Retention
from capture.several.sources import SeveralSources
from capture.story import Story
from capture.table import PacketTable
from capture.vantages import merge_vantages
from tests.capture.build import pcap
from tests.capture.test_drift import told
from tests.capture.test_vantages import LAB

Clock = Callable[[int], int]


class Vantage:
    """A live source that brings the frames of a capture."""

    def __init__(self, content: bytes, name: str) -> None:
        read = read_capture(content)
        self.file = CaptureFile(name, "live", list(read.files[0].interfaces))
        self.table = PacketTable()
        self.error: LiveError | None = None
        self.stopped = False
        self._arrivals = Arrivals(self.file, self.table)
        self.left = [Arrival(one.data, one.time_ns, one.interface) for one in frames_of(read, range(len(read)))]

    def bring(self, count: int) -> None:
        self._arrivals.put(self.left[:count])
        del self.left[:count]

    def bring_until(self, time_ns: int) -> None:
        """All that its clock says came before a time."""
        self.bring(next((place for place, one in enumerate(self.left) if one.time_ns >= time_ns), len(self.left)))

    def wait(self, timeout: float) -> bool:
        return self._arrivals.wait(0)

    def collect(self) -> range:
        return self._arrivals.collect()

    def move(self, table: PacketTable) -> None:
        self.table = table
        self._arrivals.move(table)

    def end(self) -> None:
        self.error = EndedError(self.file.path, "has ended")

    def stop(self) -> None:
        self.stopped = True


class Live:
    """Several of them with a story that grows; time goes on when a test says so."""

    def __init__(self, vantages: Sequence[Vantage], ahead: dict[int, float] | None = None, keep: int = 0) -> None:
        self.seconds = 0.0
        self.vantages = vantages
        self.source = SeveralSources(vantages, ahead, lambda: self.seconds)
        self.story = Story(self.source.table)
        self.retention = Retention(self.story, self.source, keep, several=self.source)
        self.remade = 0
        self.retention.on_adopted.append(self._count)

    def look(self, seconds: float = 0.1) -> None:
        """What the program does a few times a second."""
        self.seconds += seconds
        self.source.collect()
        self.story.update()
        self.retention.step()

    def finish(self) -> None:
        self.source.stop()
        self.story.update()
        self.retention.step()

    def _count(self) -> None:
        self.remade += 1


def scenario(name: str, places: Sequence[str], clocks: Sequence[Clock]) -> list[bytes]:
    """Captures of some places of a scenario, each told by a clock; of nothing but what has rows."""
    found = []
    for place, clock in zip(places, clocks, strict=True):
        read = read_capture(told(LAB / name / f"{place}.pcap.gz", clock))
        frames = [(one.time_ns, one.data) for one in frames_of(read, range(len(read)))]
        found.append(pcap(frames, read.files[0].interfaces[0].linktype, nanoseconds=True))
    return found


def at_once(contents: Sequence[bytes], given_ns: dict[int, int] | None = None) -> Story:
    """The story of the same packets, read together."""
    table = PacketTable()
    for content in contents:
        read_capture(content, table)
    merge_vantages(table, given_ns)
    return Story(table)
