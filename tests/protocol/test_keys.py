"""Keys as people paste them, against what the real packages write (noise_vectors.json)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.keys import (
    KeyFormatError,
    ServerAddress,
    parse_public_key,
    parse_secret_key,
    parse_server_address,
    short_key,
    z32_decode,
    z32_encode,
)
from protocol.messages import Address

KEYS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "noise_vectors.json").read_text())["keys"]


@pytest.mark.parametrize("entry", KEYS)
class TestVectors:
    def test_public_key_in_every_form(self, entry: dict[str, Any]) -> None:
        key = bytes.fromhex(entry["public_key"])
        for text in (
            entry["public_key"],
            entry["public_key"].upper(),
            f"  {entry['public_key']}\n",
            entry["z32"],
            "pear://" + entry["z32"],
            "pear://" + entry["z32"] + "/room/1?x=1#y",
            "pear://" + entry["public_key"],
            entry["bare_address"],
            entry["address"],
            entry["address_z32"],
        ):
            assert parse_public_key(text) == key

    def test_z32_equals_upstream(self, entry: dict[str, Any]) -> None:
        assert z32_encode(bytes.fromhex(entry["public_key"])) == entry["z32"]
        assert z32_encode(bytes.fromhex(entry["address"])) == entry["address_z32"]

    def test_address_nodes(self, entry: dict[str, Any]) -> None:
        key = bytes.fromhex(entry["public_key"])
        nodes = tuple(Address(host, port) for host, port in entry["nodes"])
        assert parse_server_address(entry["address"]) == ServerAddress(key, nodes)
        assert parse_server_address(entry["address_z32"]) == ServerAddress(key, nodes)
        assert parse_server_address(entry["bare_address"]) == ServerAddress(key)

    def test_secret_key_pair_and_seed(self, entry: dict[str, Any]) -> None:
        pair = parse_secret_key(entry["secret_key"])
        assert pair == parse_secret_key(entry["secret_key"][:64])
        assert pair.public_key.hex() == entry["public_key"]
        assert pair.seed.hex() == entry["secret_key"][:64]
        assert entry["secret_key"][:64] not in repr(pair)


KEY = bytes.fromhex(KEYS[0]["public_key"])
FIVE_NODES = KEY + b"\1\5" + bytes(30)


def test_an_address_of_64_bytes_is_no_secret_key() -> None:
    assert parse_server_address(FIVE_NODES.hex()).nodes == (Address("0.0.0.0", 0),) * 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("pear://", "empty"),
        (KEY.hex()[:-2], "has 31"),
        (KEY.hex()[:-1], "63 hex digits"),
        ("x" + KEY.hex()[1:], "character 1, 'x', is no hex digit"),
        (KEYS[0]["z32"][:-1] + "l", "character 52, 'l', is not z32"),
        (KEYS[0]["z32"][:-1], "51 characters are no public key"),
        ("zz", "2 characters are no public key"),
        (KEYS[0]["z32"][:-1] + "9", "beyond the last byte"),
        (KEYS[0]["z32"].upper(), "is not z32"),
        ("é" * 52, r"character 1, '\\xe9'"),
        ("\x1b[31m" + KEY.hex(), r"character 1, '\\x1b'"),
        (KEYS[0]["secret_key"], "secret key, not a public key"),
        ((KEY + b"\1").hex(), "breaks off"),
        ((KEY + b"\1\2" + bytes(6)).hex(), "announces 2 nodes and holds 1"),
        ((KEY + b"\0\0").hex(), "1 bytes too many"),
        ((KEY + b"\xfd\0\0").hex(), "later version"),
    ],
)
def test_what_is_wrong_with_a_public_key_is_named(text: str, said: str) -> None:
    with pytest.raises(KeyFormatError, match=said):
        parse_public_key(text)


def test_what_is_wrong_with_a_secret_key_is_named() -> None:
    with pytest.raises(KeyFormatError, match="has 33"):
        parse_secret_key("00" * 33)
    with pytest.raises(KeyFormatError, match="does not belong"):
        parse_secret_key(KEYS[0]["secret_key"][:64] + "00" * 32)
    with pytest.raises(KeyFormatError, match="empty"):
        parse_secret_key("")


def test_fields_of_later_address_versions_are_ignored() -> None:
    later = KEY + b"\3\1" + bytes((192, 0, 2, 1, 1, 0)) + b"more"
    assert parse_server_address(later.hex()) == ServerAddress(KEY, (Address("192.0.2.1", 1),))
    assert parse_server_address((KEY + b"\2more").hex()) == ServerAddress(KEY)


def test_short_key() -> None:
    assert short_key(bytes(range(32))) == "00010203…"
    assert short_key(b"\1\2") == "0102"


@given(st.binary(max_size=80))
def test_z32_round_trip(raw: bytes) -> None:
    assert z32_decode(z32_encode(raw)) == raw


def _public_key_of_secret(text: str) -> bytes:
    return parse_secret_key(text).public_key


@given(st.text(max_size=140) | st.text("0123456789abcdefghijkmnopqrstuwxyz", max_size=140))
def test_any_text_gives_a_key_or_a_key_format_error(text: str) -> None:
    """The law: text gives a 32-byte key or KeyFormatError, and the error does not repeat the text."""
    for parse in (parse_public_key, _public_key_of_secret):
        said = ""
        try:
            assert len(parse(text)) == 32
        except KeyFormatError as error:
            said = str(error)
        assert len(text) < 20 or text not in said
