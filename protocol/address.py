"""Where a UDP datagram comes from or goes to."""

from __future__ import annotations

from typing import NamedTuple


class Address(NamedTuple):
    """A UDP endpoint: dotted IPv4 (or IPv6) host and port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
