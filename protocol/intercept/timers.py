"""The protocol's own timers that run while a message is held.

| timer | seconds | where the reference has it |
|---|---|---|
| a request is sent again | 1 after the last time | dht-rpc lib/io.js: timeout 1000 ms |
| the same, where the application asks for adaptive-timeout | 0.25, 0.5, 1, 2 after each time, or so many times what the first took, and up to 0.256 more; at least 0.3, at most 4 | adaptive-timeout 1.0.1 index.js; it is taken for that when a request comes again sooner or later than after 1 s |
| its sender gives it up | the same after the 4th time | dht-rpc lib/io.js: retries = 3 |
| the server waits for a round in which the client punches | 10 after its handshake | hyperdht lib/server.js: HANDSHAKE_INITIAL_TIMEOUT |
| punches between consistent NATs end | 11 after the server said so | hyperdht lib/holepuncher.js: pause of 1 s, 10 times 1 s |
| punches of or to a random NAT end | 35 after | hyperdht lib/holepuncher.js: 1750 times 20 ms |

All but those of our own requests are estimated: they began on another host, some travel time before or after what was
seen here.

Source: npm hyperdht 6.34.0, dht-rpc 6.27.0, adaptive-timeout 1.0.1.
"""  # noqa: E501 - a table row is one line

from __future__ import annotations

from typing import Final

from protocol.constants import Firewall, Mode
from protocol.dht.adaptive_timeout import FALLBACK, MAX_JITTER, MAX_TIMEOUT, MIN_TIMEOUT
from protocol.intercept.sighted import FROM_CLIENTS_SIDE, Sighted
from protocol.intercept.values import Countdown, Direction
from protocol.messages import Holepunch, HolepunchPayload, Request

RESEND: Final = 1.0
SENDS: Final = 4
UNEVEN: Final = 0.15
"""Seconds by which the network may move what is sent every second."""
PASSIVE_WAIT: Final = 10.0
CONSISTENT_PUNCHES: Final = 11.0
RANDOM_PUNCHES: Final = 35.0

_IO: Final = "dht-rpc lib/io.js"


def timers_of(sighted: Sighted) -> tuple[Countdown, ...]:
    """The timers that run while a datagram is held, the next first."""
    found = [*_of_request(sighted), *_of_attempt(sighted)]
    return tuple(sorted(found, key=lambda one: one.due))


def _of_request(sighted: Sighted) -> list[Countdown]:
    asked = sighted.waited or sighted.asked
    if asked is None:
        return []
    who = _asker(sighted)
    own = who == "our node"
    waits = resending(asked.times, asked.gap)
    found = [Countdown(f"{who} gives this request up", asked.last + sum(waits), _IO, not own, final=True)]
    if len(waits) > 1:
        found.append(Countdown(f"{who} sends it again", asked.last + waits[0], _IO, not own))
    return found


def resending(times: int, gap: float | None) -> list[float]:
    """Seconds that a sender still waits: after the last time, and after each time that is still to come.

    Args:
        times: how often it was sent, at least once.
        gap: seconds between the last two times; None after the first.
    """
    to_come = range(max(times, 1), max(SENDS, times) + 1)
    if gap is None or abs(gap - RESEND) <= UNEVEN:
        return [RESEND] * len(to_come)
    shortest = FALLBACK[min(times - 1, len(FALLBACK)) - 1]
    if shortest <= gap <= shortest + MAX_JITTER + UNEVEN:
        # It knows nothing of this round trip: its own steps, with half the jitter.
        return [FALLBACK[min(number, len(FALLBACK)) - 1] + MAX_JITTER / 2 for number in to_come]
    each = gap / max(times - 1, 1)
    return [min(max(each * number, MIN_TIMEOUT), MAX_TIMEOUT) for number in to_come]


def _asker(sighted: Sighted) -> str:
    """Who waits for the answer."""
    if sighted.mode is not None:
        # Of a relayed exchange it is always the client that repeats; nobody repeats the legs in between.
        ours = sighted.mode == Mode.FROM_CLIENT and sighted.passing.direction is Direction.SENT
        ours |= sighted.mode == Mode.REPLY and sighted.passing.direction is Direction.RECEIVED
        return "our node" if ours else "the client"
    is_request = isinstance(sighted.message, Request)
    sent = sighted.passing.direction is Direction.SENT
    return "our node" if sent == is_request else "the node that asked"


def _of_attempt(sighted: Sighted) -> list[Countdown]:
    attempt, value, payload = sighted.attempt, sighted.value, sighted.payload
    if attempt is None or attempt.answered is None:
        return []
    found = []
    # A round of the client that does not say that it punches leaves the server waiting.
    under_way = isinstance(value, Holepunch) and value.mode in FROM_CLIENTS_SIDE and attempt.punched is not None
    before = attempt.punched is None or (under_way and attempt.punched == sighted.passing.time)
    if before:
        due = attempt.answered + PASSIVE_WAIT
        found.append(Countdown("the server gives up waiting for a punch round", due, "hyperdht lib/server.js", True))
    if payload is not None and value is not None and payload.punching and value.mode not in FROM_CLIENTS_SIDE:
        due = sighted.passing.time + _punches(payload)
        found.append(Countdown("the server's punches end", due, "hyperdht lib/holepuncher.js", True))
    return found


def _punches(payload: HolepunchPayload) -> float:
    return RANDOM_PUNCHES if payload.firewall == Firewall.RANDOM else CONSISTENT_PUNCHES
