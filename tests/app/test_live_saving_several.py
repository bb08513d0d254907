"""Several live sources in one file and one recording: every packet once, however often their clocks are put right."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from app.live_feed import LiveFeed
from capture.disk_ring.bounds import Bounds
from capture.disk_ring.ring import DiskRing
from capture.opening import open_captures
from tests.capture.several.vantages import Live, Vantage, scenario

PLACES = ("client", "server")
AHEAD_NS = 3 * 10**9


def test_every_packet_of_several_sources_is_saved_once(tmp_path: Path) -> None:
    contents = scenario("consistent-consistent", PLACES, (lambda time: time, lambda time: time + AHEAD_NS))
    vantages = [Vantage(content, place) for content, place in zip(contents, PLACES, strict=True)]
    expected = Counter(one.frame for vantage in vantages for one in vantage.left)
    live = Live(vantages)
    base, record = tmp_path / "ring.pcapng", tmp_path / "all.peephole"
    with record.open("wb") as out:
        feed = LiveFeed(live.source, DiskRing(str(base), Bounds(packets=100)), live.retention, out)
        while any(vantage.left for vantage in vantages):
            # The second one is slow, so that its packets come behind later ones.
            vantages[0].bring(150)
            vantages[1].bring(37)
            live.seconds += 2
            feed.poll()
            live.story.update()
            feed.let_go(lambda _: False)
        feed.finish()
        live.story.update()
    assert live.remade > 0, "the table was made anew meanwhile"
    ring = open_captures([str(tmp_path / path.name) for path in tmp_path.glob("ring_*")])
    assert Counter(map(ring.frame_bytes, range(len(ring)))) == expected
    assert {interface.name for interface in ring.files[0].interfaces} == {
        interface.name for vantage in vantages for interface in vantage.file.interfaces
    }
    recorded = open_captures([str(record)])
    assert Counter(map(recorded.frame_bytes, range(len(recorded)))) == expected
    assert [file.path for file in recorded.files] == list(PLACES)
    assert feed.losses.unsaved == 0
