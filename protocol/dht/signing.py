"""Signatures of announcements and mutable values: Ed25519 over ``namespace 32 || BLAKE2b-256(what is signed)``.

| namespace | signed |
|---|---|
| ANNOUNCE, UNANNOUNCE | target, id of the node asked, token it issued, peer record, refresh if there is one |
| MUTABLE_PUT | seq uint, value buffer |

A signature of an announcement is good for one node and as long as its token. PyNaCl is imported with the first
signature, so that programs that make none do not pay for it.

Source: npm hyperdht 6.34.0 (lib/persistent.js).
"""

from __future__ import annotations

from typing import Final

from protocol.constants import Command
from protocol.hashes import NS, blake2b_256
from protocol.keys import KeyPair
from protocol.messages import Announce, MutablePut
from protocol.peer_values import encode_peer_record
from protocol.wire import Writer

SIGNATURE_SIZE: Final = 64


def announcement_signable(command: Command, target: bytes, token: bytes, node: bytes, announce: Announce) -> bytes:
    """What an ANNOUNCE or UNANNOUNCE signs, 64 bytes.

    Args:
        command: one of the two.
        target: what is announced under.
        token: issued by the node that is asked.
        node: id of that node.
        announce: with its peer.

    Raises:
        ValueError: no peer.
    """
    if announce.peer is None:
        raise ValueError("only a peer is announced")
    return NS[command] + blake2b_256(target, node, token, encode_peer_record(announce.peer), announce.refresh or b"")


def mutable_signable(seq: int, value: bytes) -> bytes:
    """What a MUTABLE_PUT signs, 64 bytes."""
    w = Writer()
    w.uint(seq)
    w.buffer(value)
    return NS[Command.MUTABLE_PUT] + blake2b_256(w.finish())


def sign(pair: KeyPair, signable: bytes) -> bytes:
    """A detached signature, 64 bytes."""
    from nacl.bindings import crypto_sign

    return crypto_sign(signable, pair.seed + pair.public_key)[:SIGNATURE_SIZE]


def verifies(signature: bytes, signable: bytes, public_key: bytes) -> bool:
    """Whether this key made this signature."""
    from nacl.bindings import crypto_sign_open
    from nacl.exceptions import BadSignatureError

    try:
        crypto_sign_open(signature + signable, public_key)
    except BadSignatureError:
        return False
    return True


def signed_announce(
    command: Command, pair: KeyPair, target: bytes, token: bytes, node: bytes, announce: Announce
) -> Announce:
    """The announce with its signature; arguments as in `announcement_signable`."""
    signature = sign(pair, announcement_signable(command, target, token, node, announce))
    return Announce(announce.peer, announce.refresh, signature, announce.bump)


def signed_mutable(pair: KeyPair, seq: int, value: bytes) -> MutablePut:
    """A mutable value with its signature."""
    return MutablePut(pair.public_key, seq, value, sign(pair, mutable_signable(seq, value)))
