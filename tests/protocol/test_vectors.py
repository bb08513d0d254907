"""Bytes made by the npm packages: decoded as they decode them, encoded back to the same bytes, cut everywhere."""

from __future__ import annotations

import pytest

from protocol.constants import Command, InternalCommand, Mode
from protocol.decode import decode_datagram
from protocol.envelope import encode_request, encode_response
from protocol.errors import DecodeError
from protocol.messages import Foreign, Handshake, Holepunch, Punch, Request, Response, Undecodable
from protocol.values import Value, decode_request_value, decode_response_value

from .codecs import CODECS, encodings, load, outcome, to_json

ENCODINGS = encodings()


@pytest.mark.parametrize("name", ["encodings", "hashes", "udx", "conversation"])
def test_versions_are_recorded(name: str) -> None:
    versions = load(name)["versions"]
    assert versions["hyperdht"] == "6.34.0"
    assert set(versions) >= {"node", "dht-rpc", "compact-encoding", "hypercore-crypto", "udx-native"}


def test_every_codec_has_vectors() -> None:
    assert {codec for codec, _, _ in ENCODINGS} == set(CODECS)


@pytest.mark.parametrize("codec", CODECS)
def test_decodes_as_the_reference_and_encodes_the_same_bytes(codec: str) -> None:
    decode, encode = CODECS[codec]
    for name, data, expected in ENCODINGS:
        if name == codec:
            value = decode(data)
            assert to_json(value) == expected, data.hex()
            assert encode(value) == data


@pytest.mark.parametrize("codec", CODECS)
def test_every_cut_is_a_value_or_a_truncation(codec: str) -> None:
    decode, encode = CODECS[codec]
    for name, data, _ in ENCODINGS:
        for length in range(len(data)) if name == codec else ():
            found = outcome(lambda data=data, length=length: decode(data[:length]))
            if isinstance(found, DecodeError):
                assert found.truncated
                assert found.offset <= length
            else:
                # only a lookup reply may end early: nodes without bumps leave theirs out
                assert codec == "lookup_reply"
                assert encode(found) == data[:length] + b"\0"


def test_conversation_decodes_and_encodes_back() -> None:
    commands: set[str] = set()
    modes: set[tuple[type, int]] = set()
    punches = 0
    requests: dict[tuple[int, int, int], Request] = {}
    for datagram in load("conversation")["datagrams"]:
        payload = bytes.fromhex(datagram["hex"])
        message = decode_datagram(payload)
        value: Value | None = None
        match message:
            case Request():
                assert encode_request(message) == payload
                requests[datagram["from"], datagram["to"], message.tid] = message
                commands.add(message.command_name)
                value = decode_request_value(message)
            case Response():
                assert encode_response(message) == payload
                request = requests[datagram["to"], datagram["from"], message.tid]
                value = decode_response_value(message, request)
            case Punch():
                punches += 1
            case _:
                pytest.fail(f"{message} from {payload.hex()}")
        if isinstance(value, Handshake | Holepunch):
            modes.add((type(value), value.mode))
    legs = (Mode.FROM_CLIENT, Mode.FROM_RELAY, Mode.FROM_SERVER, Mode.REPLY)
    assert modes == {(kind, mode) for kind in (Handshake, Holepunch) for mode in legs}
    seen_only_elsewhere = {Command.PLUGIN, InternalCommand.PING_NAT, InternalCommand.DOWN_HINT}
    every = (*Command, *InternalCommand)
    assert commands == {command.name for command in every} - {command.name for command in seen_only_elsewhere}
    assert punches


def test_every_cut_of_the_conversation_is_a_message() -> None:
    for datagram in load("conversation")["datagrams"]:
        payload = bytes.fromhex(datagram["hex"])
        for length in range(len(payload)):
            message = decode_datagram(payload[:length], len(payload))
            match message:
                case Request() | Response():
                    assert message.truncated_at
                case Undecodable():
                    assert message.truncated
                    assert message.offset <= length
                case _:
                    assert isinstance(message, Foreign)
                    assert payload == b"\0"
