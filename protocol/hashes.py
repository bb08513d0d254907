"""BLAKE2b-256 and the names that are made with it: node ids, targets and namespaces.

hashlib's BLAKE2b computes the same as libsodium's crypto_generichash, and starts far quicker.

Source: npm hyperdht 6.34.0 (lib/constants.js, lib/persistent.js), dht-rpc 6.27.0 (lib/peer.js), hypercore-crypto 3.7.0
(index.js).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from protocol.address import Address
from protocol.constants import Command
from protocol.wire import Writer

HASH_SIZE: Final = 32


def blake2b_256(*parts: bytes, key: bytes = b"") -> bytes:
    """BLAKE2b of the parts one after the other, 32 bytes long; `key` of at most 64 bytes, empty for none."""
    state = blake2b(digest_size=HASH_SIZE, key=key)
    for part in parts:
        state.update(part)
    return state.digest()


def target_of(public_key: bytes) -> bytes:
    """Where a server's record is kept: the target of FIND_PEER, and of an ANNOUNCE under its own key."""
    return blake2b_256(public_key)


def node_id(address: Address) -> bytes:
    """The id that the node at an IPv4 address has to have: the hash of the address's 6 bytes.

    Raises:
        ValueError: not an IPv4 address.
    """
    w = Writer()
    w.ipv4(address)
    return blake2b_256(w.finish())


def is_node_id(id: bytes, address: Address) -> bool:
    """Whether a node at this address may call itself `id`; never for IPv6, which dht-rpc has no ids for."""
    return ":" not in address.host and node_id(address) == id


def namespace(command: Command) -> bytes:
    """What signatures and secrets of a command are bound to."""
    return blake2b_256(blake2b_256(b"hyperswarm/dht"), bytes((command,)))


NS: Final = {
    command: namespace(command)
    for command in (
        Command.ANNOUNCE,
        Command.UNANNOUNCE,
        Command.MUTABLE_PUT,
        Command.PEER_HANDSHAKE,
        Command.PEER_HOLEPUNCH,
        Command.PLUGIN,
    )
}
"""Namespaces of the commands that have one."""
