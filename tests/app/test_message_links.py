"""Fields and bytes of every captured message: each byte belongs to a field, and leads to it and back."""

from pathlib import Path

import pytest

from app.draw.message import DATAGRAM, PLAINTEXT, MessageView
from app.draw.message_text import message_text
from app.tui.message_source import counterpart, hops_of, view_of
from app.tui.packet_facts import PacketReader
from app.tui.session import Session
from capture.model import Sighting
from capture.story import Keys, Story
from capture.table import Kind
from protocol.constants import Command

ROOT = Path(__file__).parents[2]
LAB = ROOT / "tests" / "fixtures" / "lab"
CAPTURES = [
    *(LAB / name / "wan.pcap.gz" for name in ("tour", "relayed", "random-random", "same-nat", "open-client", "loss")),
    LAB / "tour" / "client.pcap.gz",
    ROOT / "app" / "samples" / "tour.pcapng",
]
SAID_TO_BE_NO_FIELD = {"trailing", "undecoded", "bytes", "data"}
"""Names under which bytes are shown that no field claims."""


def opened(path: Path) -> Session:
    log = path.parent / "keylog.txt"
    return Session(Story.open([str(path)], Keys(keylogs=(str(log),) if log.exists() else ())))


def views(session: Session, every: int = 1) -> list[tuple[Sighting, MessageView]]:
    reader = PacketReader(session)
    found = []
    for row in range(0, len(session.table), every):
        cast = reader.cast(row)
        sighting = reader.sighting(row)
        found.append((sighting, view_of(session, reader, sighting, None if cast is None else cast.flow)))
    return found


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: f"{path.parent.name}-{path.name.partition('.')[0]}")
def test_every_byte_has_a_field_and_leads_to_it(path: Path) -> None:
    session = opened(path)
    for sighting, view in views(session, 3):
        for part, content in enumerate(view.parts):
            leaves = [row for row in view.rows if row.part == part and not row.field.children]
            covered = [at for row in leaves for at in range(row.field.start, row.field.end)]
            assert covered == list(range(len(content))), (sighting, view.title)
            for at in range(len(content)):
                index = view.field_at(part, at)
                assert index is not None
                row = view.rows[index]
                assert not row.field.children, "a byte leads to the innermost field"
                assert (part, row.field.start, row.field.end) in view.ranges(row)


def test_what_was_sealed_lights_its_ciphertext_too() -> None:
    """Both ciphers keep the length: the ciphertext of a field has its size and lies inside the sealed bytes."""
    session = opened(LAB / "tour" / "wan.pcap.gz")
    seen = 0
    for _, view in views(session):
        if len(view.parts) < 2:
            continue
        assert view.sealed_at is not None
        sealed = next(row.field for row in view.rows if row.part == DATAGRAM and row.field.name in ("payload", "noise"))
        for row in view.rows:
            if row.part == PLAINTEXT:
                plain, cipher = view.ranges(row)
                assert plain[2] - plain[1] == cipher[2] - cipher[1]
                assert sealed.start < cipher[1] <= cipher[2] <= sealed.end
        seen += 1
    assert seen > 20


def test_every_command_of_the_capture_is_taken_apart_and_written_as_text() -> None:
    session = opened(ROOT / "app" / "samples" / "tour.pcapng")
    titles = set()
    for sighting, view in views(session):
        titles.add(view.title.rpartition(" ")[0])
        text = message_text(view)
        assert view.title in text
        assert f"#{sighting.frame}" in text
        assert all(row.field.name in text for row in view.rows)
    for name in ("PEER_HANDSHAKE FROM_CLIENT", "PEER_HOLEPUNCH REPLY", "FIND_PEER", "PING request", "UDX", "PUNCH"):
        assert name in titles


def test_request_and_answer_lead_to_each_other_and_relayed_legs_along_their_way() -> None:
    session = opened(ROOT / "app" / "samples" / "tour.pcapng")
    reader = PacketReader(session)
    pairs = relayed = 0
    for row in range(len(session.table)):
        if session.table.copy_of[row] >= 0 or session.table.kind[row] not in (Kind.REQUEST, Kind.RESPONSE):
            continue
        cast = reader.cast(row)
        flow = None if cast is None else cast.flow
        there = counterpart(session, reader, reader.sighting(row), flow)
        if there is None:
            continue
        if session.table.kind[row] == Kind.RESPONSE:
            pairs += 1
            assert session.table.kind[there.row] == Kind.REQUEST
            assert session.table.tid[there.row] == session.table.tid[row]
        elif session.table.command[row] in (Command.PEER_HANDSHAKE, Command.PEER_HOLEPUNCH):
            relayed += 1
    assert pairs > 200
    assert relayed > 40


def test_the_way_of_a_relayed_message_is_the_same_from_each_of_its_legs() -> None:
    session = opened(LAB / "tour" / "wan.pcap.gz")
    reader = PacketReader(session)
    checked = 0
    for flow in session.flows:
        for message in flow.messages:
            if message.mode is None or message.retransmission or message.sighting.file:
                continue
            hops = hops_of(session, reader, message.sighting, flow)
            assert message.sighting in [hop.sighting for hop in hops]
            assert [hop.sighting.row for hop in hops if not hop.title.endswith("again")] == sorted(
                hop.sighting.row for hop in hops if not hop.title.endswith("again")
            )
            checked += len(hops) > 2
    assert checked > 20
