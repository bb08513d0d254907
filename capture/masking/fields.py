"""Masking the fields of a message in place: the same decoders as everywhere run over the bytes and say where what is.

Nothing moves: every field keeps its place and length, so the form of a message, rare or usual, whole or cut, stays what
it was. Bytes that no field accounts for are masked as opaque.
"""

# ruff: noqa: ARG002 - what a body holds is not looked into here

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from capture.masking.mask import Mask
from protocol.address import Address
from protocol.errors import DecodeError
from protocol.wire import Reader, address_bytes

T = TypeVar("T")

Body = Callable[[bytes], bytes]
"""Masks a noise message or a sealed payload, or as much of it as a capture kept."""

_BODIES: Final = frozenset({"noise", "payload"})
_OPEN: Final = frozenset({"plugin"})
"""Buffers that say nothing of anybody."""


class FieldMask(Reader):
    """Reads like Reader and notes what stands for each field that says who or where.

    Args:
        data: the message, a value of it, or a plaintext.
        mask: what stands for what.
        body: masks sealed bodies.
        values: whether buffers called `value` are left to whoever masks them as a value.
    """

    __slots__ = ("_body", "_mask", "_values", "patches", "value_at")

    def __init__(self, data: bytes, mask: Mask, body: Body, *, values: bool = False) -> None:
        super().__init__(data, "masked")
        self._mask = mask
        self._body = body
        self._values = values
        self.patches: list[tuple[int, bytes]] = []
        """Where in `data` to put what."""
        self.value_at: tuple[int, int] | None = None
        """First byte of the buffer called `value`, and one past the last that is there."""

    def run(self, read: Callable[[Reader], object]) -> bytes:
        """The data with everything masked that `read` comes across, and the rest as opaque."""
        sound = True
        try:
            read(self)
        except DecodeError as error:
            sound = error.truncated
        out = bytearray(self.data)
        for start, new in self.patches:
            out[start : start + len(new)] = new
        rest = self.data[self.pos :]
        # What is no number stays none: a masked one might happen to be one.
        out[self.pos :] = self._mask.opaque(rest) if sound else b"\xff" * len(rest)
        return bytes(out)

    def fixed(self, field: str, size: int) -> bytes:
        """A key, target, id or token."""
        start = self.pos
        value = super().fixed(field, size)
        self._patch(start, self._stand_in(field, value))
        return value

    def rest(self, field: str) -> bytes:
        """Whatever is left."""
        start = self.pos
        value = Reader.fixed(self, field, len(self.data) - start)
        self._patch(start, self._mask.opaque(value))
        return value

    def u16(self, field: str) -> int:
        """A port, or a number that says nothing."""
        start = self.pos
        value = super().u16(field)
        if field == "port":
            self._patch(start, self._mask.port(value).to_bytes(2, "little"))
        return value

    def ipv4(self, field: str) -> Address:
        """An address."""
        start = self.pos
        value = super().ipv4(field)
        self._patch(start, address_bytes(self._mask.address(value), False))
        return value

    def ipv6(self, field: str) -> Address:
        """An address; its 18 bytes are read as such, not as a key."""
        from socket import AF_INET6, inet_ntop

        start = self.pos
        raw = Reader.fixed(self, field, 18)
        value = Address(inet_ntop(AF_INET6, raw[:16]), raw[16] | raw[17] << 8)
        self._patch(start, address_bytes(self._mask.address(value), True))
        return value

    def buffer(self, field: str, inner: Callable[[Reader], object] | None = None) -> bytes:
        """Bytes of a length; of a cut buffer the part that is there is masked."""
        begin = self.pos
        size = super().uint(field)
        start = self.pos
        content = self.data[start : start + size]
        self.pos = start + len(content)
        if field == "value":
            self.value_at = (start, self.pos)
        if field in _BODIES:
            self._patch(start, self._body(content))
        elif not (self._values and field == "value") and field not in _OPEN:
            self._patch(start, self._mask.opaque(content))
        if len(content) < size:
            reason = f"needs {size} bytes after its length, {len(content)} left"
            raise DecodeError(f"{self.path}.{field}", begin, reason, truncated=True)
        return content

    def ipv4_array(self, field: str) -> tuple[Address, ...]:
        """Addresses one by one."""
        return self.each(field, self.count(field), self.ipv4)

    def _stand_in(self, field: str, value: bytes) -> bytes:
        if field == "public_key":
            return self._mask.key(value)
        if field == "target":
            return self._mask.target(value)
        if field == "id":
            return self._mask.node(value)
        return self._mask.token(value) if len(value) == 32 else self._mask.opaque(value)

    def _patch(self, start: int, new: bytes) -> None:
        if new:
            self.patches.append((start, new))
