"""What applications do with a node: find and announce peers, store and fetch values.

Each operation begins a search, returns at once, and calls `on_done` exactly once, with its result and the time.

Source: npm hyperdht 6.34.0 (index.js).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from protocol.constants import Command
from protocol.dht.contact import Ask, Contact, Reply
from protocol.dht.node import Node
from protocol.dht.query import Query
from protocol.dht.query_host import QueryResult
from protocol.dht.signing import mutable_signable, signed_announce, signed_mutable, verifies
from protocol.errors import DecodeError
from protocol.hashes import blake2b_256, target_of
from protocol.keys import KeyPair
from protocol.messages import Address, Announce, MutableGetReply, PeerRecord
from protocol.peer_values import decode_lookup_reply, decode_peer_record, encode_announce
from protocol.storage_values import decode_mutable_get_reply, encode_mutable_get, encode_mutable_put

T = TypeVar("T")
OnDone = Callable[[T, float], None]

FULL_LOOKUP: Final = 20
"""Peers in a LOOKUP answer beyond which it may have left some out."""


@dataclass(frozen=True, slots=True)
class FoundPeer:
    """A peer's record, and who holds it: through these it is reached."""

    record: PeerRecord | None
    holders: tuple[Contact, ...]
    search: QueryResult


@dataclass(frozen=True, slots=True)
class FoundPeers:
    """Peers announced under a target, each once."""

    peers: tuple[PeerRecord, ...]
    search: QueryResult


def find_peer(node: Node, now: float, on_done: OnDone[FoundPeer], public_key: bytes) -> Query:
    """Find who holds the record of a peer that announced itself."""
    held: list[tuple[PeerRecord, Contact]] = []

    def replied(reply: Reply, _: float) -> None:
        record = _decoded(decode_peer_record, reply)
        if record is not None and record.public_key == public_key:
            held.append((record, reply.sender))

    def finished(result: QueryResult, now: float) -> None:
        holders = tuple(contact for _, contact in held)
        on_done(FoundPeer(held[0][0] if held else None, holders, result), now)

    ask = Ask(Command.FIND_PEER, target=target_of(public_key))
    return node.searches.start(ask, now, on_reply=replied, on_finished=finished)


def look_up(node: Node, now: float, on_done: OnDone[FoundPeers], target: bytes) -> Query:
    """Find the peers announced under a target."""
    peers: dict[bytes, PeerRecord] = {}

    def replied(reply: Reply, _: float) -> None:
        answer = _decoded(decode_lookup_reply, reply)
        if answer is not None:
            for peer in answer.peers:
                peers.setdefault(peer.public_key, peer)

    def finished(result: QueryResult, now: float) -> None:
        on_done(FoundPeers(tuple(peers.values()), result), now)

    return node.searches.start(Ask(Command.LOOKUP, target=target), now, on_reply=replied, on_finished=finished)


def announce(
    node: Node,
    now: float,
    on_done: OnDone[QueryResult],
    target: bytes,
    pair: KeyPair,
    relay_addresses: tuple[Address, ...] = (),
    bump: int = 0,
) -> Query:
    """Announce a peer at the nodes closest to a target.

    Args:
        node: who announces.
        now: seconds.
        on_done: called with the search; it failed unless one of the closest nodes took the announcement.
        target: what is announced under; the hash of its public key for a server that wants to be found by that.
        pair: the peer's keys.
        relay_addresses: up to three addresses through which the peer is reached.
        bump: a date in milliseconds since 1970, 0 for none.
    """

    def commit(reply: Reply) -> Ask | None:
        peer = PeerRecord(pair.public_key, relay_addresses)
        return _announcement(Command.ANNOUNCE, pair, target, reply, Announce(peer, bump=bump))

    ask = Ask(Command.LOOKUP, target=target)
    return node.searches.start(ask, now, on_finished=on_done, commit=commit)


def unannounce(node: Node, now: float, on_done: OnDone[int], target: bytes, pair: KeyPair) -> Query:
    """Take an announcement back, wherever it is found; the result is the number of other nodes that did it."""
    node.announcements.forget(target, pair.public_key)
    # None stands for the search itself.
    waiting: set[Address | None] = {None}
    taken: set[Address] = set()

    def ended(what: Address | None, now: float) -> None:
        waiting.discard(what)
        if not waiting:
            on_done(len(taken), now)

    def answered(reply: Reply, holder: Address, now: float) -> None:
        if not reply.error:
            taken.add(holder)
        ended(holder, now)

    def replied(reply: Reply, now: float) -> None:
        answer = _decoded(decode_lookup_reply, reply)
        keys = () if answer is None else tuple(peer.public_key for peer in answer.peers)
        if pair.public_key not in keys and len(keys) < FULL_LOOKUP:
            return
        ask = _announcement(Command.UNANNOUNCE, pair, target, reply, Announce(PeerRecord(pair.public_key, ())))
        if ask is not None:
            holder = reply.sender.address
            waiting.add(holder)
            node.request(
                ask, holder, now, lambda reply, now: answered(reply, holder, now), lambda _, now: ended(holder, now)
            )

    return node.searches.start(
        Ask(Command.LOOKUP, target=target), now, on_reply=replied, on_finished=lambda _, now: ended(None, now)
    )


def put_immutable(node: Node, now: float, on_done: OnDone[QueryResult], value: bytes) -> Query:
    """Store a value under its hash."""
    target = blake2b_256(value)

    def commit(reply: Reply) -> Ask | None:
        return None if reply.token is None else Ask(Command.IMMUTABLE_PUT, False, target, reply.token, value)

    ask = Ask(Command.IMMUTABLE_GET, target=target)
    return node.searches.start(ask, now, on_finished=on_done, commit=commit)


def get_immutable(node: Node, now: float, on_done: OnDone[bytes | None], target: bytes) -> Query:
    """Fetch the value with this hash; the search ends with the first that has it."""
    found: list[bytes] = []

    def replied(reply: Reply, now: float) -> None:
        if reply.value is not None and not found and blake2b_256(reply.value) == target:
            found.append(reply.value)
            query.cancel(now)

    query = node.searches.start(
        Ask(Command.IMMUTABLE_GET, target=target),
        now,
        on_reply=replied,
        on_finished=lambda _, now: on_done(found[0] if found else None, now),
    )
    return query


def put_mutable(
    node: Node, now: float, on_done: OnDone[QueryResult], pair: KeyPair, value: bytes, seq: int = 0
) -> Query:
    """Store a signed value under the hash of its key; a node that has a later one answers with an error."""
    target = target_of(pair.public_key)
    put = encode_mutable_put(signed_mutable(pair, seq, value))

    def commit(reply: Reply) -> Ask | None:
        return None if reply.token is None else Ask(Command.MUTABLE_PUT, False, target, reply.token, put)

    ask = Ask(Command.MUTABLE_GET, target=target, value=encode_mutable_get(0))
    return node.searches.start(ask, now, on_finished=on_done, commit=commit)


def get_mutable(
    node: Node, now: float, on_done: OnDone[MutableGetReply | None], public_key: bytes, seq: int = 0
) -> Query:
    """Fetch the latest value that this key signed, not older than `seq`."""
    latest: list[MutableGetReply] = []

    def replied(reply: Reply, _: float) -> None:
        answer = _decoded(decode_mutable_get_reply, reply)
        if answer is None or answer.seq < seq or (latest and answer.seq <= latest[0].seq):
            return
        if verifies(answer.signature, mutable_signable(answer.seq, answer.value), public_key):
            latest[:] = [answer]

    ask = Ask(Command.MUTABLE_GET, target=target_of(public_key), value=encode_mutable_get(seq))
    return node.searches.start(
        ask, now, on_reply=replied, on_finished=lambda _, now: on_done(latest[0] if latest else None, now)
    )


def _announcement(command: Command, pair: KeyPair, target: bytes, reply: Reply, announce: Announce) -> Ask | None:
    """The signed request to a node that answered; None if it takes no announcements."""
    if reply.token is None or reply.sender.id is None:
        return None
    signed = signed_announce(command, pair, target, reply.token, reply.sender.id, announce)
    return Ask(command, False, target, reply.token, encode_announce(signed))


def _decoded(decode: Callable[[bytes], T], reply: Reply) -> T | None:
    """The value of an answer; None where it has none, or one that is malformed."""
    if reply.value is None:
        return None
    try:
        return decode(reply.value)
    except DecodeError:
        return None
