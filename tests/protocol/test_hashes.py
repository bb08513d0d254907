from __future__ import annotations

from protocol.constants import Command
from protocol.hashes import NS, blake2b_256, is_node_id, node_id, target_of
from protocol.messages import Address

from .codecs import load

HASHES = load("hashes")


def test_namespaces_are_the_reference_ones() -> None:
    assert {str(int(command)): ns.hex() for command, ns in NS.items()} == HASHES["namespaces"]
    assert len(NS) == 6


def test_ids_are_the_reference_ones() -> None:
    for entry in HASHES["ids"]:
        address = Address(entry["host"], entry["port"])
        assert node_id(address).hex() == entry["id"]
        assert is_node_id(bytes.fromhex(entry["id"]), address)
        assert not is_node_id(bytes.fromhex(entry["id"]), Address(entry["host"], entry["port"] ^ 1))
    assert not is_node_id(bytes(32), Address("::1", 1))


def test_targets_are_the_reference_ones() -> None:
    for entry in HASHES["targets"]:
        assert target_of(bytes.fromhex(entry["key"])).hex() == entry["target"]


def test_parts_are_hashed_as_one_and_the_key_counts() -> None:
    assert blake2b_256(b"ab", b"c") == blake2b_256(b"abc")
    assert blake2b_256(b"abc", key=bytes(32)) != blake2b_256(b"abc")
    assert NS[Command.ANNOUNCE] != NS[Command.UNANNOUNCE]
