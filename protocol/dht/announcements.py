"""Serving FIND_PEER, LOOKUP, ANNOUNCE and UNANNOUNCE, on a persistent node.

| command | needs | does | answers |
|---|---|---|---|
| FIND_PEER | target | | record of the peer announced under its own key, token, closer nodes |
| LOOKUP | target | | up to 20 records of the target and its bump, token, closer nodes |
| ANNOUNCE | target, token, signature | remembers the peer; with `refresh`, how to renew it | empty |
| ANNOUNCE | target, token, refresh alone | renews | empty |
| UNANNOUNCE | target, token, signature | forgets the peer | empty |

A peer announced under the hash of its own key is reached through this node: what clients send to it is relayed to the
address that the announcement came from. Renewing needs no signature: who announces gives the hash of a secret, shows
the secret to renew, and that is taken as the hash of the next one. A record keeps at most three relay addresses.

Source: npm hyperdht 6.34.0 (lib/persistent.js).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from protocol.constants import Command
from protocol.dht.aged_cache import AgedCache
from protocol.dht.contact import Incoming
from protocol.dht.limits import Limits
from protocol.dht.record_store import RecordStore
from protocol.dht.refusals import Refusal
from protocol.dht.requests import Requests
from protocol.dht.routes import Route, Routes
from protocol.dht.signing import announcement_signable, verifies
from protocol.errors import DecodeError
from protocol.hashes import blake2b_256, target_of
from protocol.messages import Announce, LookupReply, PeerRecord
from protocol.peer_values import decode_announce, decode_peer_record, encode_lookup_reply, encode_peer_record

if TYPE_CHECKING:
    from random import Random

LOOKUP_RECORDS: Final = 20
RELAY_ADDRESSES: Final = 3
BUMP_DRIFT: Final = 60.0
"""Seconds that the clock of who announces may be ahead."""


class _Refresh(NamedTuple):
    """What a refresh renews."""

    target: bytes
    public_key: bytes
    record: bytes
    announced_self: bool


class Announcements:
    """Remembers who announced under which target.

    Args:
        random: picks records where there are too many.
        requests: sends answers.
        routes: peers that are reached through this node.
        limits: sizes and ages.
        own_id: the id of this node, None while it is not persistent.
        epoch: seconds since 1970 at `now` 0, since a bump is a date.
    """

    def __init__(
        self,
        random: Random,
        requests: Requests,
        routes: Routes,
        limits: Limits,
        own_id: Callable[[], bytes | None],
        epoch: float,
    ) -> None:
        self._requests = requests
        self._routes = routes
        self._own_id = own_id
        self._epoch = epoch
        self._records = RecordStore(random, limits.records, limits.record_age, limits.records_per_target)
        self._refreshes: AgedCache[bytes, _Refresh] = AgedCache(limits.records, limits.record_age)
        self._bumps: AgedCache[bytes, int] = AgedCache(limits.records, limits.record_age)

    def __len__(self) -> int:
        """Records of peers held, without those that announced under their own key."""
        return len(self._records)

    def find_peer(self, request: Incoming, now: float) -> None:
        """Serve FIND_PEER."""
        target = request.message.target
        if target is None:
            self._refuse(Refusal.MISSING_FIELD)
            return
        self._requests.replies.reply(request, now, self._routes.record(target, now))

    def look_up(self, request: Incoming, now: float) -> None:
        """Serve LOOKUP."""
        target = request.message.target
        if target is None:
            self._refuse(Refusal.MISSING_FIELD)
            return
        records = self._records.get(target, LOOKUP_RECORDS, now)
        record = self._routes.record(target, now)
        if record is not None and len(records) < LOOKUP_RECORDS:
            records.append(record)
        if not records:
            self._requests.replies.reply(request, now)
            return
        peers = tuple(decode_peer_record(record) for record in records)
        self._requests.replies.reply(
            request, now, encode_lookup_reply(LookupReply(peers, self._bumps.get(target, now) or 0))
        )

    def announce(self, request: Incoming, now: float) -> None:
        """Serve ANNOUNCE."""
        announce = self._decode(request)
        if announce is None:
            return
        if announce.peer is None:
            self._refresh(announce.refresh, request, now)
            return
        if not self._is_signed(Command.ANNOUNCE, request, announce):
            return
        target, peer = request.message.target or b"", announce.peer
        record = encode_peer_record(PeerRecord(peer.public_key, peer.relay_addresses[:RELAY_ADDRESSES]))
        entry = _Refresh(target, peer.public_key, record, target_of(peer.public_key) == target)
        self._remember(entry, request, now)
        if not entry.announced_self:
            latest = (self._epoch + now + BUMP_DRIFT) * 1000
            if (self._bumps.get(target, now) or 0) < announce.bump <= latest:
                self._bumps.set(target, announce.bump, now)
        if announce.refresh is not None:
            self._refreshes.set(announce.refresh, entry, now)
        self._requests.replies.reply(request, now, token=False, closer_nodes=False)

    def unannounce(self, request: Incoming, now: float) -> None:
        """Serve UNANNOUNCE."""
        announce = self._decode(request)
        if announce is None or not self._is_signed(Command.UNANNOUNCE, request, announce) or announce.peer is None:
            return
        self.forget(request.message.target or b"", announce.peer.public_key)
        self._requests.replies.reply(request, now, token=False, closer_nodes=False)

    def forget(self, target: bytes, public_key: bytes) -> None:
        """Forget a peer announced under a target, if it is known."""
        if target_of(public_key) == target:
            self._routes.remove(target)
        self._records.remove(target, public_key)

    def _refresh(self, secret: bytes | None, request: Incoming, now: float) -> None:
        entry = None if secret is None else self._refreshes.get(blake2b_256(secret), now)
        if secret is None or entry is None:
            self._refuse(Refusal.UNKNOWN_REFRESH)
            return
        self._remember(entry, request, now)
        self._refreshes.pop(blake2b_256(secret))
        self._refreshes.set(secret, entry, now)
        self._requests.replies.reply(request, now, token=False, closer_nodes=False)

    def _remember(self, entry: _Refresh, request: Incoming, now: float) -> None:
        if entry.announced_self:
            self._routes.set(entry.target, Route(request.sender.address, entry.record), now)
            self._records.remove(entry.target, entry.public_key)
        else:
            self._records.add(entry.target, entry.public_key, entry.record, now)

    def _decode(self, request: Incoming) -> Announce | None:
        message = request.message
        if message.target is None or message.token is None or message.value is None:
            self._refuse(Refusal.MISSING_FIELD)
            return None
        try:
            return decode_announce(message.value, message.value_offset)
        except DecodeError:
            self._refuse(Refusal.BAD_VALUE)
            return None

    def _is_signed(self, command: Command, request: Incoming, announce: Announce) -> bool:
        target, token, own_id = request.message.target, request.message.token, self._own_id()
        if announce.peer is None or announce.signature is None or target is None or token is None or own_id is None:
            self._refuse(Refusal.MISSING_FIELD)
            return False
        signable = announcement_signable(command, target, token, own_id, announce)
        if not verifies(announce.signature, signable, announce.peer.public_key):
            self._refuse(Refusal.BAD_SIGNATURE)
            return False
        return True

    def _refuse(self, refusal: Refusal) -> None:
        self._requests.refused[refusal] += 1
