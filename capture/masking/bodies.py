"""What stands for noise messages and sealed payloads: the same on every leg, whole or cut."""

from __future__ import annotations

from typing import Final

from capture.masking.mask import Mask

_START: Final = 8
"""Bytes of a body that are not equal by chance: it begins with a random key or nonce."""


class Bodies:
    """Sealed bodies and what stands for them. One that was not made anew is masked as opaque: nothing opens it."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._by_start: dict[bytes, list[tuple[bytes, bytes]]] = {}

    def add(self, original: bytes, masked: bytes) -> None:
        """Say what stands for a body; of two for one, the first counts."""
        if len(original) >= _START and self._made(original) is None:
            self._by_start.setdefault(original[:_START], []).append((original, masked))

    def masked(self, body: bytes) -> bytes:
        """What stands for a body, or for as much of it as a capture kept."""
        made = self._made(body)
        return self._mask.opaque(body) if made is None else made[: len(body)]

    def _made(self, body: bytes) -> bytes | None:
        for original, masked in self._by_start.get(body[:_START], ()):
            if original.startswith(body):
                return masked
        return None
