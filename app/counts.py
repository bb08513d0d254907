"""Numbers as people write them."""

from __future__ import annotations


def grouped(number: int) -> str:
    """Digits in groups of three: ``18 302``."""
    return f"{number:,}".replace(",", " ")


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """``1 attempt``, ``2 attempts``, ``18 302 packets``."""
    return f"{grouped(number)} {noun if number == 1 else plural or noun + 's'}"
