"""Values of the model behind a mask: every address, key, hash, token and text in them, however deep.

A value is rebuilt field by field, so whatever draws or writes flows does the same with masked ones. What a `bytes`
field is, its name says; bytes under a name that is not known here are masked as opaque.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from capture.flow import Flow, Sighting
from capture.masking.attempts import AttemptMask, MaskedAttempt
from capture.masking.bodies import Bodies
from capture.masking.mask import Mask
from capture.masking.payloads import PayloadMask
from capture.model import FlowMessage, KeyEvidence, Sealed
from protocol.address import Address
from protocol.constants import Command
from protocol.hashes import HASH_SIZE

if TYPE_CHECKING:
    from capture.flows.members import Members

_KEYS: Final = frozenset({"server_public_key", "client_public_key", "public_key", "remote_public_key"})
_TOKENS: Final = frozenset({"token", "remote_token"})
_ORIGINS: Final = ("secret_from", "noise_from")
"""Fields that name key logs by their files."""
_LINE: Final = re.compile(r" lines? \d")
_AS_IT_IS: Final = (int, float, Enum, Sighting)
"""Values that say nothing of anybody: numbers, times, words of our own, places in a file."""
_PER_PACKET: Final = ("messages", "steps", "client_nat", "server_nat")
"""Fields of a flow that hold an object for each packet."""


class ValueMask:
    """Masks values of the model.

    Args:
        mask: what stands for what.
        payloads: masks plaintexts.
        bodies: what stands for sealed bodies.
        attempts: what stands for hashes and secrets of attempts.
    """

    def __init__(self, mask: Mask, payloads: PayloadMask, bodies: Bodies, attempts: AttemptMask) -> None:
        self._mask = mask
        self._payloads = payloads
        self._bodies = bodies
        self._attempts = attempts

    def flow_field(self, flow: Flow, name: str) -> Any:
        """What stands for a field of a flow."""
        value = getattr(flow, name)
        if name == "target":
            return self._mask.target(value)
        if name == "key":
            return self._key(value, self._attempts.made(flow))
        if name == "messages":
            self._attempts.made(flow)
        return self.value(value)

    def attempt_id(self, flow: Flow) -> str:
        """What stands for the id of a flow."""
        return self._attempts.made(flow).id

    def value(self, value: Any, name: str = "") -> Any:
        """What stands for a value that is in a field of this name."""
        if value is None or isinstance(value, _AS_IT_IS):
            return value
        if isinstance(value, Address):
            return self._mask.address(value)
        if isinstance(value, str):
            return self._mask.text(value)
        if isinstance(value, bytes):
            return self._bytes(value, name)
        if isinstance(value, tuple):
            return self._tuple(value, name)
        if isinstance(value, FlowMessage):
            return self._message(value)
        kind: Any = type(value)
        changed = {field: self.value(getattr(value, field), field) for field in _fields(kind)}
        return dataclasses.replace(value, **changed)

    def _tuple(self, value: Any, name: str) -> Any:
        if hasattr(value, "_fields"):
            named = zip(value, value._fields, strict=True)
            return type(value)(*[self.value(one, field) for one, field in named])
        return tuple([self.value(one, name) for one in value])

    def _bytes(self, value: bytes, name: str) -> bytes:
        if name in _KEYS:
            return self._mask.key(value)
        if name in _TOKENS:
            return self._mask.token(value)
        if name == "attempt":
            return value  # the program knows attempts by it
        if name == "id" and len(value) == HASH_SIZE:
            return self._mask.node(value)
        return self._mask.opaque(value)

    def _message(self, message: FlowMessage) -> FlowMessage:
        sealed = message.payload
        if sealed is not None:
            handshake = message.command == Command.PEER_HANDSHAKE.name
            opened: Callable[[bytes], bytes] = (
                self._payloads.noise_plaintext if handshake else self._payloads.holepunch_plaintext
            )
            plaintext = None if sealed.plaintext is None else opened(sealed.plaintext)
            sealed = Sealed(self._bodies.masked(sealed.sealed), plaintext, self._mask.text(sealed.reason))
        src, dst = self._mask.address(message.src), self._mask.address(message.dst)
        return dataclasses.replace(message, payload=sealed, src=src, dst=dst)

    def _key(self, key: KeyEvidence, made: MaskedAttempt) -> KeyEvidence:
        # Values of theirs were made anew with the attempt; the rest goes the usual way.
        bare = dataclasses.replace(key, handshake_hash=None, holepunch_secret=None)
        changed = {field: self.value(getattr(bare, field), field) for field in _fields(KeyEvidence)}
        for name in _ORIGINS:
            if _LINE.search(changed[name]):
                changed[name] = "a key log"
        changed |= {"handshake_hash": made.handshake_hash, "holepunch_secret": made.holepunch_secret}
        return KeyEvidence(**changed)


@cache
def _fields(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


class MaskedFlow(Flow):
    """A flow behind a mask; each field is masked when it is first read.

    Args:
        flow: what is masked.
        values: masks its fields.
        id_: what stands for its id; None keeps it, as for a screen, where it names the attempt to the program alone.
    """

    __slots__ = ("_values", "original")
    original: Flow
    """What is behind the mask."""
    _values: ValueMask

    def __init__(self, flow: Flow, values: ValueMask, id_: str | None = None) -> None:
        object.__setattr__(self, "original", flow)
        object.__setattr__(self, "_values", values)
        object.__setattr__(self, "id", flow.id if id_ is None else id_)

    @property
    def worked_out(self) -> bool:
        """Whether what is behind the mask can be read in no time."""
        return self.original.worked_out

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in _fields(Flow):
            raise AttributeError(name)
        masked = self._values.flow_field(self.original, name)
        object.__setattr__(self, name, masked)
        return masked

    @property
    def shown_id(self) -> str:
        """What stands for its id, also where it keeps its own."""
        return self.id if self.id != self.original.id else self._values.attempt_id(self.original)

    def members(self) -> Members:
        """The packets that belong to it: rows are not masked."""
        return self.original.members()

    def release(self) -> None:
        """Let go of what can be worked out again."""
        for name in _PER_PACKET:
            with suppress(AttributeError):
                object.__delattr__(self, name)
        self.original.release()
