"""Fields of every kind of message: shown, changed, sealed again, refused."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.constants import Command, Mode, ResponseError
from protocol.editing.checking import FIELD_NAMES, check_field
from protocol.editing.fields import fields_of, with_field, with_fields
from protocol.editing.values import Draft, EditError, FieldKind, Opener, SealedError, TokenSource
from protocol.envelope import decode_request, decode_response
from protocol.hashes import blake2b_256
from protocol.messages import Address, HolepunchPayload, Request, Response
from protocol.secretbox import open_payload
from protocol.values import decode_handshake, decode_holepunch, decode_holepunch_payload, decode_peer_record
from tests.protocol.editing.messages import (
    CLIENT,
    FIND,
    FOUND,
    HOLEPUNCH_ASKED,
    OPENER,
    PAYLOAD,
    PING,
    RELAY,
    SECRET,
    SERVER,
    TARGET,
    TOKEN,
    handshake,
    holepunch,
    holepunch_reply,
)


def texts(message: object, opener: Opener = OPENER) -> dict[str, str]:
    return {field.name: field.text for field in fields_of(message, opener)}


def inside(data: bytes, secret: bytes = SECRET) -> HolepunchPayload:
    """What a real end makes of it."""
    message = decode_request(data) if data[0] == 3 else decode_response(data)
    assert message.value is not None
    plaintext = open_payload(secret, decode_holepunch(message.value).payload)
    assert plaintext is not None
    return decode_holepunch_payload(plaintext)


def test_every_field_of_a_round() -> None:
    assert texts(Draft(holepunch(), SERVER, 5)) == {
        "destination": "10.0.0.2:2002",
        "ttl": "5",
        "mode": "FROM_RELAY",
        "id": "5",
        "peer_address": "10.0.0.1:1001",
        "error": "NONE",
        "firewall": "CONSISTENT",
        "round": "1",
        "connected": "no",
        "punching": "yes",
        "addresses": "10.0.0.1:1001, 10.9.9.9:9",
        "remote_address": "none",
        "token": TOKEN.hex(),
        "remote_token": (b"r" * 32).hex(),
        "payload": texts(holepunch())["payload"],
        "tid": "7",
        "to": "10.0.0.2:2002",
        "target": TARGET.hex(),
        "command": "PEER_HOLEPUNCH",
        "envelope.id": (b"i" * 32).hex(),
        "envelope.token": "none",
        "raw": holepunch().hex(),
    }
    assert "destination" not in texts(holepunch())


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("firewall", "random", {"firewall": 3}),
        ("firewall", "17", {"firewall": 17}),
        ("error", "try-later", {"error": 3}),
        ("round", "+2", {"round": 3}),
        ("round", "0x10", {"round": 16}),
        ("punching", "no", {"punching": False}),
        ("connected", "TRUE", {"connected": True}),
        ("addresses", "none", {"addresses": None}),
        ("addresses", "", {"addresses": ()}),
        ("addresses", "1.2.3.4:5 6.7.8.9:10", {"addresses": (Address("1.2.3.4", 5), Address("6.7.8.9", 10))}),
        ("addresses", ":+7", {"addresses": (Address("10.0.0.1", 1008), Address("10.9.9.9", 16))}),
        ("addresses", "192.0.2.1:", {"addresses": (Address("192.0.2.1", 1001), Address("192.0.2.1", 9))}),
        ("remote_address", "1.2.3.4:5", {"remote_address": Address("1.2.3.4", 5)}),
        ("remote_address", ":+7", {}),
        ("token", "keep", {}),
        ("token", "strip", {"token": None}),
        ("token", "", {"token": None}),
        ("token", "random", {"token": bytes(range(32))}),
        ("remote-token", "none", {"remote_token": None}),
        ("payload.remote_token", "ab" * 32, {"remote_token": b"\xab" * 32}),
    ],
)
def test_what_is_sealed_is_changed_and_sealed_again(name: str, text: str, wanted: dict[str, object]) -> None:
    for data in (holepunch(), holepunch_reply()):
        opener = replace(OPENER, asked=HOLEPUNCH_ASKED)
        changed = with_field(data, name, text, opener)
        assert inside(changed) == replace(PAYLOAD, **wanted)
        assert (changed == data) == (not wanted), "what is not changed keeps its seal"


def test_what_is_around_the_seal_leaves_it_alone() -> None:
    before = decode_request(holepunch())
    changes = {"mode": "reply", "id": "9", "peer_address": ":-1", "tid": "65535", "to": "1.2.3.4:5"}
    after = decode_request(with_fields(holepunch(), changes))
    assert before.value is not None
    assert after.value is not None
    was, now = decode_holepunch(before.value), decode_holepunch(after.value)
    assert now == replace(was, mode=Mode.REPLY, id=9, peer_address=Address("10.0.0.1", 1000))
    assert (after.tid, after.to) == (65535, Address("1.2.3.4", 5))
    assert now.payload == was.payload


def test_tokens_are_made_anew_where_the_secret_is_known() -> None:
    key = b"k" * 32
    opener = replace(OPENER, token=TokenSource(key, "10.0.0.2"), remote_token=TokenSource(key, "10.0.0.1"))
    changed = inside(with_fields(holepunch(), {"token": "recompute", "remote_token": "recompute"}, opener))
    assert changed.token == blake2b_256(b"10.0.0.2", key=key)
    assert changed.remote_token == blake2b_256(b"10.0.0.1", key=key)
    with pytest.raises(EditError, match="not known"):
        with_field(holepunch(), "token", "recompute", OPENER)


def test_what_can_not_be_opened_says_why() -> None:
    with pytest.raises(SealedError, match="noise messages of its attempt were not seen"):
        with_field(holepunch(), "firewall", "OPEN")
    with pytest.raises(SealedError, match="none of the known secrets"):
        with_field(holepunch(secret=b"o" * 32), "token", "strip", OPENER)
    assert texts(holepunch(secret=b"o" * 32)).keys().isdisjoint({"firewall", "round"})


@pytest.mark.parametrize(("mode", "opens"), [(Mode.FROM_CLIENT, "server"), (Mode.REPLY, "client")])
def test_a_noise_message_opens_for_its_ends_alone(mode: Mode, opens: str) -> None:
    assert texts(handshake(mode))["noise"] == (b"N" * 200).hex()
    for name in ("firewall", "addresses4", "noise.udx.id"):
        with pytest.raises(SealedError, match=f"only the {opens} opens"):
            with_field(handshake(mode), name, "1")
    changed = decode_request(with_fields(handshake(mode), {"relay_address": "none", "noise": "abcd"}))
    assert changed.value is not None
    assert decode_handshake(changed.value).noise == b"\xab\xcd"
    assert decode_handshake(changed.value).relay_address is None


def test_responses_need_their_request() -> None:
    assert "relay_addresses" not in texts(FOUND)
    opener = Opener(asked=FIND)
    shown = texts(FOUND, opener)
    assert (shown["public_key"], shown["relay_addresses"]) == ((b"P" * 32).hex(), str(RELAY))
    changed = decode_response(
        with_fields(FOUND, {"relay_addresses": "1.2.3.4:5", "closer_nodes": "", "envelope.error": "2"}, opener)
    )
    assert changed.value is not None
    assert decode_peer_record(changed.value).relay_addresses == (Address("1.2.3.4", 5),)
    assert (changed.closer_nodes, changed.error) == ((), ResponseError.INVALID_TOKEN)


def test_what_no_one_knows_has_its_bytes() -> None:
    assert texts(b"\x00") == {"raw": "00"}
    assert with_field(b"\x00", "raw", "01 02:03") == b"\x01\x02\x03"
    assert "command" not in texts(PING), "dht-rpc's own commands stay what they are"
    changed = decode_request(with_field(PING, "value", "0xff"))
    assert changed.value == b"\xff"


def test_raw_bytes_come_before_their_fields() -> None:
    changed = with_fields(b"\x00", {"tid": "3", "raw": PING.hex()})
    assert decode_request(changed).tid == 3


def test_a_draft_goes_elsewhere() -> None:
    draft = Draft(b"\x00", SERVER)
    assert with_fields(draft, {"destination": ":9", "ttl": "64"}) == Draft(b"\x00", Address("10.0.0.2", 9), None)
    assert with_field(draft, "ttl", "5").ttl == 5


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("nothing", "1", "no such field"),
        ("tid", "65536", "not from 0 to 65535"),
        ("tid", "seven", "not a number"),
        ("tid", "none", "can't be left out"),
        ("mode", "sideways", "is none of"),
        ("punching", "perhaps", "neither yes nor no"),
        ("peer_address", "10.0.0.1", "not host:port"),
        ("peer_address", "10.0.0.1:70000", "not a port"),
        ("peer_address", "example.org:1", "not an IPv4"),
        ("peer_address", ":+x", "does not shift"),
        ("target", "abc", "odd number"),
        ("target", "ab", "where 32 are due"),
        ("target", "zz", "no hex digit"),
        ("token", "ab", "where 32 are due"),
        ("round", "none", "can't be left out"),
        ("addresses", "1.2.3.4", "not host:port"),
        ("raw", "ab" * 70_000, "more than a datagram holds"),
    ],
)
def test_refusals_name_field_and_reason(name: str, text: str, reason: str) -> None:
    with pytest.raises(EditError, match=reason) as caught:
        with_field(holepunch(), name, text, OPENER)
    assert caught.value.field == name


@pytest.mark.parametrize("data", [holepunch(), holepunch_reply(), handshake(), FOUND, PING, b"\x00", b"", b"\xff\x01"])
def test_every_field_takes_its_own_text(data: bytes) -> None:
    for asked in (None, HOLEPUNCH_ASKED, FIND):
        opener = replace(OPENER, asked=asked)
        for field in fields_of(Draft(data, SERVER), opener):
            assert with_field(Draft(data, SERVER), field.name, field.text, opener) == Draft(data, SERVER)


@given(st.binary(max_size=300), st.sampled_from(FIELD_NAMES), st.text(max_size=20))
def test_whatever_the_bytes_and_the_text_are(data: bytes, name: str, text: str) -> None:
    fields = fields_of(data, OPENER)
    assert fields[-1].name == "raw"
    with suppress(EditError):
        fields_of(with_field(data, name, text, OPENER), OPENER)


@given(st.data())
def test_cut_messages_can_be_edited(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([holepunch(), handshake(), FOUND]))
    part = whole[: data.draw(st.integers(0, len(whole)))]
    assert with_field(part, "raw", whole.hex(), OPENER) == whole


def test_names_are_checked_without_a_message() -> None:
    for name, text in (("firewall", "OPEN"), ("token", "recompute"), ("peer-address", ":+7"), ("ttl", "3")):
        check_field(name, text)
    check_field("remote_token", "none")
    for name, text in (("fire", "OPEN"), ("firewall", "wall"), ("ttl", "0"), ("tid", "none")):
        with pytest.raises(EditError):
            check_field(name, text)


def test_every_kind_is_used() -> None:
    kinds = {field.kind for field in fields_of(Draft(holepunch(), SERVER), OPENER)}
    assert kinds == set(FieldKind) - {FieldKind.TEXT}


def test_commands() -> None:
    changed = decode_request(with_field(holepunch(), "command", "find_peer", OPENER))
    assert isinstance(changed, Request)
    assert changed.command == Command.FIND_PEER
    assert not isinstance(changed, Response)
    assert CLIENT.port == 1001
