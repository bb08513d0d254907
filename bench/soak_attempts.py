"""Attempts for a soak: of known kinds, in a known proportion, each with keys, tokens and addresses of its own.

They are those of `bench.attempts`, seen whole at the relay, or cut short where one of that kind ends.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final, NamedTuple

from bench.attempts import Packet, attempt
from capture.model import VerdictCode
from protocol.constants import Command
from protocol.envelope import encode_request, encode_response
from protocol.hashes import target_of
from protocol.messages import Address, Request, Response

FOUND, HANDSHAKE_ASKED, PROBE, PUNCH = 2, 4, 6, 10
"""How many packets of a whole attempt there are when the server was found and the handshake passed on, and before the
first and the second round."""
RETRIES: Final = 3
"""Sends of a request after the first, a second apart, before a client gives up."""
SILENT_S: Final = 61.0
"""Seconds after its last packet until what became of every attempt is clear."""


class Kind(NamedTuple):
    """A kind of attempt."""

    code: VerdictCode
    share: float


KINDS: Final = (
    Kind(VerdictCode.PUNCHED, 0.70),
    Kind(VerdictCode.HANDSHAKE_UNANSWERED, 0.09),
    Kind(VerdictCode.PEER_NOT_FOUND, 0.06),
    Kind(VerdictCode.PROBE_UNANSWERED, 0.05),
    Kind(VerdictCode.PUNCH_UNANSWERED, 0.05),
    Kind(VerdictCode.INCOMPLETE, 0.05),
)
"""What there is; shares add up to 1."""


class Attempts:
    """Attempts one after the other, no two between the same hosts.

    Args:
        seed: the same one gives the same attempts.
    """

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._serial = 0
        self.made: dict[VerdictCode, int] = dict.fromkeys((kind.code for kind in KINDS), 0)
        """How many there were of each kind."""

    def next(self) -> list[Packet]:
        """The packets of another one, in order of time; seconds count from its start."""
        rng = self._rng
        (kind,) = rng.choices(KINDS, [one.share for one in KINDS])
        self.made[kind.code] += 1
        # A relay serves some thousand attempts, then another one is asked.
        relay = Address(f"11.{self._serial // 2048 % 256}.0.{1 + self._serial % 16}", 49737)
        client, server = (self._host() for _ in range(2))
        if kind.code is VerdictCode.PEER_NOT_FOUND:
            return list(_in_vain(rng, client, relay))
        return list(_cut(kind.code, list(attempt(rng, client, relay, server))))

    def _host(self) -> Address:
        number = self._serial
        self._serial += 1
        host = f"{20 + (number >> 16 & 127)}.{number >> 8 & 255}.{number & 255}.2"
        return Address(host, self._rng.randrange(1024, 65535))


def _in_vain(rng: random.Random, client: Address, relay: Address) -> Iterator[Packet]:
    """A search that two nodes answer without a record."""
    target = target_of(rng.randbytes(32))
    for number in range(2):
        node = Address(relay.host, relay.port + 1 + number)
        tid = rng.randrange(0x10000)
        asked = encode_request(Request(tid, node, Command.FIND_PEER, target=target))
        answer = encode_response(Response(tid, client, id=rng.randbytes(32)))
        yield Packet(0.1 * number, client, node, 60, asked)
        yield Packet(0.1 * number + 0.02, node, client, 64, answer)


def _cut(code: VerdictCode, whole: list[Packet]) -> Iterator[Packet]:
    """As much of an attempt as happens where it ends with a verdict."""
    if code is VerdictCode.PUNCHED:
        yield from whole
    elif code is VerdictCode.HANDSHAKE_UNANSWERED:
        yield from whole[:HANDSHAKE_ASKED]
        yield from _again(whole[HANDSHAKE_ASKED - 2 : HANDSHAKE_ASKED], RETRIES)
    elif code is VerdictCode.INCOMPLETE:
        yield from whole[:FOUND]
    else:
        asked = PROBE if code is VerdictCode.PROBE_UNANSWERED else PUNCH
        yield from whole[: asked + 2]
        yield from _again(whole[asked : asked + 2], RETRIES)


def _again(packets: list[Packet], times: int) -> Iterator[Packet]:
    for number in range(1, times + 1):
        for packet in packets:
            yield packet._replace(time=packet.time + number)
