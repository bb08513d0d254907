"""Serving MUTABLE_PUT, MUTABLE_GET, IMMUTABLE_PUT and IMMUTABLE_GET, on a persistent node.

| command | needs | answers |
|---|---|---|
| IMMUTABLE_GET | target | the value |
| IMMUTABLE_PUT | target = hash of the value, token | empty |
| MUTABLE_GET | target, the least seq that is wanted | seq, value, signature, if the stored seq is not less |
| MUTABLE_PUT | target = hash of the key, token, signature | empty, or an error |

Error 16 says that another value is stored with this seq, error 17 that one with a greater seq is. Other answers carry a
token, all carry closer nodes. A put that does not verify gets no answer.

Source: npm hyperdht 6.34.0 (lib/persistent.js).
"""

from __future__ import annotations

from protocol.constants import ErrorCode
from protocol.dht.aged_cache import AgedCache
from protocol.dht.contact import Incoming
from protocol.dht.limits import Limits
from protocol.dht.refusals import Refusal
from protocol.dht.requests import Requests
from protocol.dht.signing import mutable_signable, verifies
from protocol.errors import DecodeError
from protocol.hashes import blake2b_256
from protocol.messages import MutableGetReply, MutablePut
from protocol.storage_values import decode_mutable_get, decode_mutable_put, encode_mutable_get_reply


class ValueStore:
    """Keeps values for two days, bounded in number and bytes."""

    def __init__(self, requests: Requests, limits: Limits) -> None:
        self._requests = requests
        self._max_size = limits.value_size
        self._mutable: AgedCache[bytes, MutablePut] = AgedCache(limits.values, limits.value_age, limits.value_bytes)
        self._immutable: AgedCache[bytes, bytes] = AgedCache(limits.values, limits.value_age, limits.value_bytes)

    def __len__(self) -> int:
        """Values held, of both kinds."""
        return len(self._mutable) + len(self._immutable)

    def get_immutable(self, request: Incoming, now: float) -> None:
        """Serve IMMUTABLE_GET."""
        if request.message.target is None:
            self._refuse(Refusal.MISSING_FIELD)
            return
        self._requests.replies.reply(request, now, self._immutable.get(request.message.target, now))

    def put_immutable(self, request: Incoming, now: float) -> None:
        """Serve IMMUTABLE_PUT."""
        message = request.message
        if message.target is None or message.token is None or not message.value:
            self._refuse(Refusal.MISSING_FIELD)
        elif len(message.value) > self._max_size:
            self._refuse(Refusal.TOO_LARGE)
        elif blake2b_256(message.value) != message.target:
            self._refuse(Refusal.BAD_VALUE)
        else:
            self._immutable.set(message.target, message.value, now, len(message.value))
            self._requests.replies.reply(request, now)

    def get_mutable(self, request: Incoming, now: float) -> None:
        """Serve MUTABLE_GET."""
        message = request.message
        if message.target is None or message.value is None:
            self._refuse(Refusal.MISSING_FIELD)
            return
        try:
            least = decode_mutable_get(message.value, message.value_offset)
        except DecodeError:
            self._refuse(Refusal.BAD_VALUE)
            return
        put = self._mutable.get(message.target, now)
        if put is None or put.seq < least:
            self._requests.replies.reply(request, now)
        else:
            self._requests.replies.reply(
                request, now, encode_mutable_get_reply(MutableGetReply(put.seq, put.value, put.signature))
            )

    def put_mutable(self, request: Incoming, now: float) -> None:
        """Serve MUTABLE_PUT."""
        message = request.message
        if message.target is None or message.token is None or message.value is None:
            self._refuse(Refusal.MISSING_FIELD)
            return
        try:
            put = decode_mutable_put(message.value, message.value_offset)
        except DecodeError:
            self._refuse(Refusal.BAD_VALUE)
            return
        if len(put.value) > self._max_size:
            self._refuse(Refusal.TOO_LARGE)
        elif not put.value or blake2b_256(put.public_key) != message.target:
            self._refuse(Refusal.BAD_VALUE)
        elif not verifies(put.signature, mutable_signable(put.seq, put.value), put.public_key):
            self._refuse(Refusal.BAD_SIGNATURE)
        else:
            self._store_mutable(message.target, put, request, now)

    def _store_mutable(self, target: bytes, put: MutablePut, request: Incoming, now: float) -> None:
        stored = self._mutable.get(target, now)
        error = ErrorCode.NONE
        if stored is not None and put.seq < stored.seq:
            error = ErrorCode.SEQ_TOO_LOW
        elif stored is not None and put.seq == stored.seq and put.value != stored.value:
            error = ErrorCode.SEQ_REUSED
        if error:
            self._refuse(Refusal.OLD_SEQ)
            self._requests.replies.reply(request, now, error=error, token=False)
            return
        self._mutable.set(target, put, now, len(put.value))
        self._requests.replies.reply(request, now)

    def _refuse(self, refusal: Refusal) -> None:
        self._requests.refused[refusal] += 1
