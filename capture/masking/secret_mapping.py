"""The secret behind a mask: functions of it that nobody can turn round without it.

All are keyed BLAKE2b or SHAKE-256 of a salt that lives as long as the program runs, or that is made of a passphrase, so
that equal values are masked alike in one run (or in all runs with that passphrase) and nothing tells what they were.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b, shake_256
from secrets import token_bytes
from typing import Final

SALT_SIZE: Final = 32
CASCADE: Final = 32
"""Bytes at the start of opaque data whose masked form depends on nothing behind them."""
_TURNS: Final = 6
"""Rounds of a permutation; four make it as good as a random one to whoever may not choose what is masked."""


class SecretMapping:
    """Keyed functions of one salt.

    Args:
        phrase: makes the salt, so that other runs with it map alike; None takes a random one.
    """

    def __init__(self, phrase: str | None = None) -> None:
        if phrase is None:
            self._salt = token_bytes(SALT_SIZE)
        else:
            self._salt = blake2b(phrase.encode(), digest_size=SALT_SIZE, person=b"peephole mask").digest()
        # A method can't be cached by itself without keeping every instance alive.
        self._cascade = lru_cache(maxsize=16384)(self._uncached_cascade)

    def digest(self, purpose: bytes, data: bytes, size: int = 32) -> bytes:
        """`size` bytes (64 at most) that stand for `data` used for `purpose` (16 bytes at most)."""
        return blake2b(data, digest_size=size, key=self._salt, person=purpose.ljust(16, b"\0")).digest()

    def number(self, purpose: bytes, data: bytes, count: int) -> int:
        """A number below `count` that stands for `data`."""
        return int.from_bytes(self.digest(purpose, data, 16), "big") % count

    def permuted(self, purpose: bytes, number: int, bits: int) -> int:
        """A number of `bits` bits (an even number of them) that stands for another one: no two give the same."""
        half = bits // 2
        left, right = number >> half, number & (1 << half) - 1
        # A Feistel network: each round can be undone, whatever the function in it.
        for turn in range(_TURNS):
            left, right = right, left ^ self.number(purpose, bytes((turn,)) + right.to_bytes(2, "big"), 1 << half)
        return left << half | right

    def opaque(self, data: bytes) -> bytes:
        """As many bytes that stand for bytes whose meaning is not known, or is none.

        What begins alike comes out alike as far as that goes: the start of a message that a capture cut is still the
        start of the whole one. It is encryption: other bytes give other bytes.
        """
        head = self._cascade(data[:CASCADE])
        rest = data[CASCADE:]
        if not rest:
            return head
        stream = shake_256(self._salt + b"opaque" + data[:CASCADE]).digest(len(rest))
        return head + (int.from_bytes(rest, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(rest), "big")

    def stream(self, purpose: bytes, data: bytes, size: int) -> bytes:
        """Any number of bytes that stand for `data`."""
        return shake_256(self._salt + purpose.ljust(16, b"\0") + data).digest(size)

    def _uncached_cascade(self, data: bytes) -> bytes:
        # Each byte is changed by a function of those before it, as Crypto-PAn does with bits.
        salt = self._salt
        return bytes(
            byte ^ blake2b(data[:place], digest_size=1, key=salt, person=b"cascade").digest()[0]
            for place, byte in enumerate(data)
        )
