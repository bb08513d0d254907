"""Lines of the packet list, at any width and whatever the bytes are."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.draw.packet_summary import summarise
from app.draw.packets import Link, PacketFacts, packet_columns, time_text
from app.draw.spans import Tone, text_of, width_of
from app.terminal_text import safe_text
from capture.model import Role
from protocol.constants import Command, InternalCommand
from protocol.envelope import encode_request, encode_response
from protocol.hashes import node_id
from protocol.messages import Address, HolepunchPayload, Request, Response

HERE, THERE = Address("192.168.100.100", 65535), Address("[not an address]\x1b[2J", 1)
SIX = Address("2001:db8:1111:2222:3333:4444:5555:6666", 40000)


def facts(**changes: object) -> PacketFacts:
    values: dict[str, object] = {
        "row": 3,
        "number": "1234567",
        "time": 1_700_000_000.5,
        "source": HERE,
        "destination": THERE,
        "source_role": Role.CLIENT_RELAY,
        "destination_role": None,
        "protocol": "response",
        "summary": "HOLEPUNCH REPLY · round 1",
        "tone": Tone.PROBE,
        "length": 65507,
        "attempt": "0123456789abcdef",
    }
    return PacketFacts(**{**values, **changes})  # type: ignore[arg-type]


@given(st.integers(80, 260), st.sampled_from([None, *Link]), st.text(max_size=40))
def test_a_line_keeps_its_columns_at_any_width(width: int, link: Link | None, comment: str) -> None:
    columns = packet_columns(width, numbers=7)
    line = columns.line(facts(), "12.345678", link, comment)
    head = columns.heading()
    shown = text_of(line)
    at = text_of(head).index("what it says")
    assert shown[at:].startswith(("HOLEPUNCH", "; "))
    assert "1234567" in shown
    assert safe_text(shown) == shown
    assert width_of(head) <= width


@pytest.mark.parametrize("width", [80, 120, 200])
def test_a_host_is_shown_whole_where_host_and_port_have_no_room(width: int) -> None:
    shown = text_of(packet_columns(width, numbers=6).line(facts(), "1.0"))
    assert "192.168.100.100" in shown
    assert ("192.168.100.100:65535" in shown) == (width > 100)
    assert ("client relay" in shown) == (width >= 150)
    long = text_of(packet_columns(width, numbers=6).line(facts(source=SIX), "1.0"))
    assert "2001:db8" in long


def test_troubles_and_copies_come_before_what_it_says() -> None:
    columns = packet_columns(200, numbers=6)
    shown = text_of(columns.line(facts(trouble="request.tid at byte 2: too short", again="=12"), "1.0"))
    assert shown.index("! request.tid") < shown.index("=12") < shown.index("HOLEPUNCH")


@given(st.binary(max_size=80), st.integers(0, 400), st.integers(0, 255))
def test_any_bytes_have_a_summary_that_is_safe(payload: bytes, more: int, ttl: int) -> None:
    said = summarise(payload, len(payload) + more, ttl)
    for text in (said.protocol, said.text, said.trouble):
        assert safe_text(text) == text
    assert said.protocol in {"request", "response", "UDX", "udx", "punch", "other", "?"}
    if more:
        assert "captured" in said.trouble or said.protocol == "punch"


@given(st.sampled_from([*Command, *InternalCommand]), st.binary(max_size=60), st.booleans())
def test_values_that_do_not_decode_are_told_with_their_byte(command: int, value: bytes, answer: bool) -> None:
    internal = isinstance(command, InternalCommand)
    request = Request(7, THERE._replace(host="1.2.3.4"), int(command), internal, target=bytes(32), value=value)
    asked = None
    payload = encode_request(request)
    if answer:
        payload, asked = encode_response(Response(7, HERE, node_id(HERE), value=value)), request
    said = summarise(payload, len(payload), 64, asked)
    name = (InternalCommand if internal else Command)(int(command)).name.removeprefix("PEER_")
    assert said.text.startswith(name)
    assert not said.trouble or " at byte " in said.trouble


def test_what_a_payload_says_and_that_one_stays_closed() -> None:
    from protocol.constants import Mode
    from protocol.messages import Holepunch
    from protocol.peer_values import encode_holepunch

    value = encode_holepunch(Holepunch(Mode.FROM_CLIENT, 1, bytes(60), HERE))
    payload = encode_request(Request(7, HERE, Command.PEER_HOLEPUNCH, target=bytes(32), value=value))
    opened = HolepunchPayload(error=1, firewall=3, round=2, punching=True)
    said = summarise(payload, len(payload), 64, None, opened).text
    assert said == "HOLEPUNCH FROM_CLIENT · round 2 punching RANDOM ABORTED · tid 7"
    assert "sealed" in summarise(payload, len(payload), 64, None, None, "no key").text


def test_times() -> None:
    zone = datetime.UTC
    assert time_text(1_700_000_000.5, None, 12, zone) == "22:13:20.500"
    assert time_text(1_700_000_000.5, None, 9, zone) == "22:13:20"
    assert time_text(1_700_000_000.5, 1_700_000_000.0, 12, zone) == "0.500000"
    assert time_text(1_700_000_000.0, 1_700_000_000.5, 9, zone) == "-0.500"
    assert len(time_text(1_700_000_000.0, 0.0, 9, zone)) > 9, "the column cuts it"
