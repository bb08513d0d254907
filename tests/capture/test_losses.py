"""What is lost is counted by what is to blame."""

from __future__ import annotations

from capture.capture_file import CaptureFile
from capture.losses import LIVE, NOTHING_LOST, Losses, losses_of


def source(format: str, dropped: int | None, overflowed: int = 0) -> CaptureFile:
    file = CaptureFile("somewhere", format, [])
    file.dropped, file.overflowed = dropped, overflowed
    return file


def test_who_is_to_blame() -> None:
    cut = source("pcapng", 7)
    cut.truncated = "truncated at byte 9"
    cut.malformed, cut.fragments_pending, cut.undecodable = 1, 2, 5
    cut.unreadable[4] = 3
    found = losses_of([source(LIVE, 10, 4), cut, source("pcap", None)], let_go=8, unwritten=9, unrecorded=11)
    assert found == Losses(6, 7, 4, 1, 6, 5, 8, 9, 11)
    assert (found.dropped, found.missing, found.unsaved) == (17, 18, 20)


def test_what_overflows_before_it_is_summed_up_is_not_counted_twice() -> None:
    assert losses_of([source(LIVE, 3, 5)]) == Losses(queue=5)


def test_every_cause_has_its_words() -> None:
    every = [*Losses(*range(1000, 1009))]
    assert len({loss.cause for loss in every}) == len({loss.line for loss in every}) == 9
    assert every[0].line == "1 000 packets for which the kernel had no room"
    assert [loss.line for loss in Losses(cut=1)] == ["1 packet cut off where a capture ends in its midst"]
    assert [*NOTHING_LOST] == []
