"""An answer that another capture shows and the client's own does not: made of a real attempt by leaving packets out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from scapy.utils import RawPcapReader, RawPcapWriter

from capture.envelopes import Kind
from capture.model import Flow, FlowMessage, VerdictCode
from capture.story import Story

FOLDER = Path(__file__).parent.parent / "fixtures" / "lab" / "consistent-consistent"
VANTAGES = [str(FOLDER / f"{name}.pcap.gz") for name in ("client", "wan")]
CLIENT, WAN = 0, 1

Without = Callable[[bool], Flow]


@pytest.fixture
def ends_with_probe(tmp_path: Path) -> Without:
    """The attempt as if its client went silent after the first round's answer, which it got or did not get."""
    [flow] = Story.open(VANTAGES).flows
    answer = next(one for one in flow.messages if one.command == "PEER_HOLEPUNCH" and one.mode == "REPLY")

    def without(arrives: bool) -> Flow:
        gone = {seen for one in flow.messages if one.time > answer.time for seen in sightings(one)}
        if not arrives:
            gone |= {seen for seen in sightings(answer) if seen[0] == CLIENT}
        gone |= rest_of(answer.time)
        return Story.open([written(file, gone, tmp_path) for file in (CLIENT, WAN)]).flows[0]

    return without


def sightings(message: FlowMessage) -> set[tuple[int, int]]:
    return {(one.file, one.frame) for one in (message.sighting, *message.copies)}


def rest_of(time: float) -> set[tuple[int, int]]:
    """Frames of punches and streams after a time, which are no messages: those that hold no dht-rpc message."""
    table = Story.open(VANTAGES).table
    later = table.time_ns > time * 1e9
    return {
        (int(file), int(frame))
        for file, frame, kind, is_later in zip(table.file, table.frame, table.kind, later, strict=True)
        if is_later and kind not in (Kind.REQUEST, Kind.RESPONSE)
    }


def written(file: int, gone: set[tuple[int, int]], folder: Path) -> str:
    path = folder / f"{file}.pcap"
    with (
        RawPcapReader(VANTAGES[file]) as frames,
        RawPcapWriter(str(path), linktype=frames.linktype, nano=frames.nano) as out,
    ):
        out.write_header(None)
        for number, (content, stamp) in enumerate(frames, 1):
            if (file, number) not in gone:
                out.write_packet(content, sec=stamp.sec, usec=stamp.usec)
    return str(path)


def test_an_answer_that_the_clients_own_capture_does_not_show(ends_with_probe: Without) -> None:
    flow = ends_with_probe(False)
    assert flow.verdict.code is VerdictCode.PROBE_UNANSWERED
    assert "the client's own capture does not show it" in flow.verdict.summary


def test_an_answer_that_it_shows(ends_with_probe: Without) -> None:
    assert ends_with_probe(True).verdict.code is not VerdictCode.PROBE_UNANSWERED
