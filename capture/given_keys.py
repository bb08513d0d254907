"""Keys that the user gives. In a file of its own: to hold them takes nothing of what reads captures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys that the user gives."""

    public_keys: tuple[bytes, ...] = ()
    """Servers' public keys, 32 bytes each."""
    secret_keys: tuple[bytes, ...] = ()
    """Servers' secret keys as 32-byte seeds."""
    keylogs: tuple[str, ...] = ()
    """Paths of key logs; they are read as they grow."""


NO_KEYS = Keys()
"""What holds where the user gives none."""
