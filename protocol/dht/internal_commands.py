"""Serving dht-rpc's own commands: PING, PING_NAT, FIND_NODE, DOWN_HINT, DELAYED_PING.

| command | answer |
|---|---|
| PING | empty |
| PING_NAT | empty, to the port that the value names |
| FIND_NODE | the nodes closest to the target |
| DOWN_HINT | empty; the node named is pinged |
| DELAYED_PING | empty, after the delay that the value names, 10 s at most |
| any other | error UNKNOWN_COMMAND, and the nodes closest to the target if there is one |

None has a token. A request without the value or target it needs gets no answer.

Source: npm dht-rpc 6.27.0 (index.js).
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final

from protocol.constants import InternalCommand, ResponseError
from protocol.dht.contact import Incoming
from protocol.dht.limits import Limits
from protocol.dht.membership import Membership
from protocol.dht.refusals import Refusal
from protocol.dht.requests import Requests
from protocol.errors import DecodeError
from protocol.messages import Address
from protocol.node_values import decode_delayed_ping, decode_down_hint, decode_ping_nat


class InternalCommands:
    """Answers what every node is asked, persistent or not."""

    def __init__(self, requests: Requests, membership: Membership, limits: Limits) -> None:
        self._requests = requests
        self._membership = membership
        self._limits = limits
        self._delayed: list[tuple[float, int, Incoming]] = []
        self._delayed_count = 0
        self._commands: Final[dict[int, Callable[[Incoming, float], None]]] = {
            InternalCommand.PING: self._ping,
            InternalCommand.PING_NAT: self._ping_nat,
            InternalCommand.FIND_NODE: self._find_node,
            InternalCommand.DOWN_HINT: self._down_hint,
            InternalCommand.DELAYED_PING: self._delayed_ping,
        }

    @property
    def delayed(self) -> int:
        """Delayed pings waiting for their answer."""
        return len(self._delayed)

    def serve(self, request: Incoming, now: float) -> None:
        """Answer one request."""
        command = self._commands.get(request.message.command)
        if command is None:
            self._requests.refused[Refusal.UNKNOWN_COMMAND] += 1
            self._requests.replies.reply(request, now, error=ResponseError.UNKNOWN_COMMAND, token=False)
            return
        try:
            command(request, now)
        except DecodeError:
            self._requests.refused[Refusal.BAD_VALUE] += 1

    def next_timeout(self) -> float | None:
        """When the next delayed ping is to be answered."""
        return self._delayed[0][0] if self._delayed else None

    def handle_timeout(self, now: float) -> None:
        """Answer the delayed pings that are due."""
        while self._delayed and self._delayed[0][0] <= now:
            self._pong(heappop(self._delayed)[2], now)

    def _pong(self, request: Incoming, now: float, to: Address | None = None) -> None:
        self._requests.replies.reply(request, now, token=False, closer_nodes=False, to=to)

    def _ping(self, request: Incoming, now: float) -> None:
        self._pong(request, now)

    def _ping_nat(self, request: Incoming, now: float) -> None:
        port = decode_ping_nat(request.message.value or b"", request.message.value_offset)
        if not port:
            self._requests.refused[Refusal.BAD_VALUE] += 1
            return
        self._pong(request, now, Address(request.sender.address.host, port))

    def _find_node(self, request: Incoming, now: float) -> None:
        if request.message.target is None:
            self._requests.refused[Refusal.MISSING_FIELD] += 1
            return
        self._requests.replies.reply(request, now, token=False)

    def _down_hint(self, request: Incoming, now: float) -> None:
        down = decode_down_hint(request.message.value or b"", request.message.value_offset)
        if not self._membership.hinted_down(down, now):
            self._requests.refused[Refusal.TOO_MANY_CHECKS] += 1
        self._pong(request, now)

    def _delayed_ping(self, request: Incoming, now: float) -> None:
        delay = decode_delayed_ping(request.message.value or b"", request.message.value_offset) / 1000
        if delay > self._limits.max_ping_delay or len(self._delayed) >= self._limits.delayed_pings:
            self._requests.refused[Refusal.TOO_MANY_DELAYS] += 1
            return
        self._delayed_count += 1
        heappush(self._delayed, (now + delay, self._delayed_count, request))
