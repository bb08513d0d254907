"""Completing legs that the capture cut inside their noise message or sealed payload.

A snap length keeps the start of every packet. The mode survives most of all, so the leg can still be told; the body
that names the attempt or the exchange does not. Where another leg of the same exchange, or the same datagram in another
file, was kept whole, the body is completed from there: command, target and tid are equal, and so is what was kept of
it. Bodies begin with a random key or nonce, so a few equal bytes decide.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from capture.flows.legs import Leg
from protocol.constants import Mode

TELLING: Final = 8
"""Bytes of a body that are not equal by chance."""

_Key = tuple[int, bytes | None, int]


def cut_name(leg: Leg) -> bytes:
    """What stands for the body of a cut leg, so that no whole one equals it."""
    if len(leg.body) >= TELLING:
        return b"cut:" + leg.body
    return b"cut:" + (leg.target or b"") + leg.tid.to_bytes(2, "big") + leg.body


class Bodies:
    """Bodies of requests and answers by what a cut packet still says: command, target and tid."""

    def __init__(self) -> None:
        self._requests: dict[_Key, list[tuple[bytes, bool]]] = defaultdict(list)
        self._answers: dict[_Key, list[tuple[bytes, bool]]] = defaultdict(list)

    def complete(self, legs: list[Leg]) -> None:
        """Give every cut leg of a batch the longest body, of it or of earlier ones, that its own is the start of."""
        for leg in legs:
            known = self._pool(leg)
            entry = (leg.body, leg.whole)
            if entry not in known:
                known.append(entry)
        for leg in legs:
            if not leg.whole:
                fits = [(whole, body) for body, whole in self._pool(leg) if body.startswith(leg.body)]
                longest = max(fits, key=lambda fit: (fit[0], len(fit[1])))
                if len(leg.body) >= TELLING or all(longest[1].startswith(body) for _, body in fits):
                    leg.whole, leg.body = longest

    def _pool(self, leg: Leg) -> list[tuple[bytes, bool]]:
        if leg.response or leg.mode == Mode.FROM_SERVER:
            return self._answers[leg.command, None, leg.tid]
        return self._requests[leg.command, leg.target, leg.tid]
