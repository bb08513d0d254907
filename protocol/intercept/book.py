"""What a node learns of others' connection attempts while it passes their messages on.

Everybody who sees both noise messages of an attempt, and knows the server's public key, can open the holepunch payloads
of it: no secret of either side enters their key (`protocol.noise`). A relay sees both, and gets the key with the
server's announcement. What is inside the noise messages stays closed to it.

| learnt | from |
|---|---|
| public keys of servers | ANNOUNCE and UNANNOUNCE requests, FIND_PEER and LOOKUP responses |
| attempts | PEER_HANDSHAKE: message 1 on its way to the server, message 2 on its way back, same tid and target |
| what a response answers | the last request with its tid between the same two ends, of the last minute |

Everything is bounded: the oldest goes.

Source: npm hyperdht 6.34.0 (lib/noise-wrap.js, lib/secure-payload.js, lib/router.js).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from protocol.constants import Command, Mode
from protocol.decode import decode_datagram
from protocol.dht.aged_cache import AgedCache
from protocol.editing.values import Opener
from protocol.errors import DecodeError
from protocol.hashes import target_of
from protocol.intercept.sighted import FROM_CLIENTS_SIDE, Asked, Offered, Sighted
from protocol.intercept.values import Direction, Passing
from protocol.messages import (
    Address,
    Announce,
    Handshake,
    Holepunch,
    HolepunchPayload,
    LookupReply,
    PeerRecord,
    Request,
    Response,
)
from protocol.noise import attempt_id, handshake_hash, holepunch_secret
from protocol.sealed_values import decode_holepunch_payload
from protocol.secretbox import open_payload
from protocol.values import Value, decode_request_value, decode_response_value

MOST: Final = 4096
"""Of keys, targets, and offers that wait for their answer."""
MOST_REQUESTS: Final = 16384
OF_A_TARGET: Final = 32
"""Attempts to one server that are known at a time."""
OF_A_TID: Final = 4
"""Offers to one server with the same tid."""
ANSWER_AGE: Final = 60.0
"""Seconds in which a response may come."""
ATTEMPT_AGE: Final = 600.0

_ExchangeKey = tuple[Direction, Address, int]
_RECORDS: Final = (Command.FIND_PEER, Command.LOOKUP, Command.ANNOUNCE, Command.UNANNOUNCE)


class AttemptBook:
    """See the module. It sees datagrams as they come, before anything is done to them."""

    def __init__(self) -> None:
        self._keys: AgedCache[bytes, bytes] = AgedCache(MOST, float("inf"))
        """Public keys by target."""
        self._requests: AgedCache[_ExchangeKey, Asked] = AgedCache(MOST_REQUESTS, ANSWER_AGE)
        self._offers: AgedCache[tuple[bytes, int], tuple[Offered, ...]] = AgedCache(MOST, ANSWER_AGE)
        self._attempts: AgedCache[bytes, tuple[Offered, ...]] = AgedCache(MOST, ATTEMPT_AGE)
        """By target, the newest first."""
        self._tokens: AgedCache[tuple[bytes, str], bytes] = AgedCache(MOST, ATTEMPT_AGE)

    def give_server_key(self, public_key: bytes, now: float) -> None:
        """Add a server's public key."""
        self._keys.set(target_of(public_key), public_key, now)

    def give_token_secret(self, attempt: bytes, side: str, secret: bytes, now: float) -> None:
        """Add what makes the tokens of one side, ``client`` or ``server``, of an attempt."""
        self._tokens.set((attempt, side), secret, now)

    def see(self, passing: Passing) -> Sighted:
        """Take in a datagram, and say what is known of it."""
        message = decode_datagram(passing.data)
        if not isinstance(message, Request | Response):
            return Sighted(passing, message)
        asked, again = self._exchange(message, passing)
        value = _value(message, asked)
        if isinstance(value, PeerRecord | LookupReply | Announce):
            self._learn(value, passing.time)
        if not isinstance(value, Handshake | Holepunch) or asked is None:
            return Sighted(passing, message, asked, again=again)
        target = asked.request.target
        sighted = Sighted(passing, message, asked, value, again=again, waited=self._waited(asked, value, passing))
        if target is None:
            return sighted
        if isinstance(value, Handshake):
            return replace(sighted, attempt=self._handshake(target, asked.request.tid, value, passing.time))
        attempt, payload = self._opened(target, value, passing.time)
        if attempt is not None and payload is not None:
            self._round(attempt, payload, value, passing)
        return replace(sighted, attempt=attempt, payload=payload)

    def opener(self, sighted: Sighted) -> Opener:
        """What opens a datagram for editing."""
        target, now = sighted.target, sighted.passing.time
        if target is None or not isinstance(sighted.value, Holepunch):
            return sighted.opener((), "it is no PEER_HOLEPUNCH")
        known = self._attempts.get(target, now) or ()
        secrets = tuple(one.secret for one in known if one.secret is not None)
        if sighted.attempt is not None and sighted.attempt.secret is not None:
            secrets = (sighted.attempt.secret,)
        return sighted.opener(secrets, "" if secrets else self._lack(target, known, now))

    def _lack(self, target: bytes, known: tuple[Offered, ...], now: float) -> str:
        if not known:
            return "the two noise messages of its attempt did not pass here"
        if all(one.noise2 is None for one in known):
            return "the server's noise message did not pass here"
        if self._keys.get(target, now) is None:
            return "the server's public key is not known here"
        return "the noise messages that passed here make no key"

    def _exchange(self, message: Request | Response, passing: Passing) -> tuple[Asked | None, bool]:
        """The request that a message is or answers, and whether it was sent before."""
        now = passing.time
        if isinstance(message, Response):
            turned = Direction.SENT if passing.direction is Direction.RECEIVED else Direction.RECEIVED
            return self._requests.get((turned, passing.remote, message.tid), now), False
        key = passing.direction, passing.remote, message.tid
        asked = self._requests.get(key, now)
        again = asked is not None and asked.request == message
        if asked is None or not again:
            asked = Asked(message, now, now)
        else:
            asked.gap, asked.last, asked.times = now - asked.last, now, asked.times + 1
        self._requests.set(key, asked, now)
        return asked, again

    def _waited(self, asked: Asked, value: Handshake | Holepunch, passing: Passing) -> Asked:
        """The request of the client that a leg belongs to; the leg's own where that did not pass here."""
        if value.mode not in (Mode.FROM_RELAY, Mode.FROM_SECOND_RELAY, Mode.FROM_SERVER) or value.peer_address is None:
            return asked
        client = Direction.RECEIVED, value.peer_address, asked.request.tid
        return self._requests.get(client, passing.time) or asked

    def _learn(self, value: PeerRecord | LookupReply | Announce, now: float) -> None:
        if isinstance(value, LookupReply):
            records = value.peers
        elif isinstance(value, Announce):
            records = () if value.peer is None else (value.peer,)
        else:
            records = (value,)
        for record in records:
            target = target_of(record.public_key)
            if self._keys.get(target, now) is None:
                self._keys.set(target, record.public_key, now)
                for attempt in self._attempts.get(target, now) or ():
                    self._make_secret(attempt, now)

    def _handshake(self, target: bytes, tid: int, value: Handshake, now: float) -> Offered | None:
        key = target, tid
        offers = self._offers.get(key, now) or ()
        if value.mode in FROM_CLIENTS_SIDE:
            known = self._attempts.get(target, now) or ()
            found = next((one for one in known if one.noise1 == value.noise), None)
            if found is None:
                found = Offered(value.noise, attempt_id(value.noise), target, now)
                self._attempts.set(target, (found, *known)[:OF_A_TARGET], now)
            if found not in offers:
                self._offers.set(key, (found, *offers)[:OF_A_TID], now)
            return found
        if not offers:
            return None
        # Of two clients that happen to have chosen the same tid, the one that still waits is answered.
        found = next((one for one in offers if one.noise2 in (None, value.noise)), None)
        if found is not None and found.noise2 is None:
            found.noise2, found.answered = value.noise, now
            self._make_secret(found, now)
        return found

    def _make_secret(self, attempt: Offered, now: float) -> None:
        public_key = self._keys.get(attempt.target, now)
        if public_key is None or attempt.noise2 is None:
            return
        try:
            attempt.secret = holepunch_secret(handshake_hash(public_key, attempt.noise1, attempt.noise2))
        except DecodeError:
            attempt.secret = None  # no noise messages: `opener` says that they make no key

    def _opened(self, target: bytes, value: Holepunch, now: float) -> tuple[Offered | None, HolepunchPayload | None]:
        for attempt in self._attempts.get(target, now) or ():
            plaintext = None if attempt.secret is None else open_payload(attempt.secret, value.payload)
            if plaintext is None:
                continue
            attempt.client_token = self._tokens.get((attempt.id, "client"), now)
            attempt.server_token = self._tokens.get((attempt.id, "server"), now)
            try:
                return attempt, decode_holepunch_payload(plaintext)
            except DecodeError:
                return attempt, None
        return None, None

    def _round(self, attempt: Offered, payload: HolepunchPayload, value: Holepunch, passing: Passing) -> None:
        if payload.punching and value.mode in (Mode.FROM_CLIENT, Mode.FROM_RELAY) and attempt.punched is None:
            attempt.punched = passing.time


def _value(message: Request | Response, asked: Asked | None) -> Value | None:
    """The value, of the commands that something is learnt from."""
    if asked is None or asked.request.internal:
        return None
    if asked.request.command > Command.PEER_HOLEPUNCH and asked.request.command not in _RECORDS:
        return None
    try:
        if isinstance(message, Request):
            return decode_request_value(message)
        return decode_response_value(message, asked.request)
    except DecodeError:
        return None
