"""Blind relays and proxies: a stream that reaches the other side through a third peer.

Both sides connect to the blind relay like to any server, so each connection to it is an attempt of its own. What marks
it as a relayed path: it was opened by a side of the main attempt right after the handshake, and a second stream, with
ids of its own, came up on the very same endpoints.

A proxy is connected to in the same way, by one side. It punches in that side's place and passes packets on as they are,
so that what is sent to it names the stream of the other side.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from itertools import product

from capture.flows.facts import Facts, StreamFacts
from capture.flows.sides import Side
from capture.flows.traffic import Stream


@dataclass(frozen=True, slots=True)
class RelayLink:
    """A side's connection to the blind relay."""

    by_client: bool
    facts: Facts
    path: StreamFacts

    @property
    def relayed_ns(self) -> int:
        """When the second stream, the relayed one, began."""
        return self._second().first_ns

    @property
    def relayed_row(self) -> int:
        """First packet of the relayed stream."""
        return self._second().first_row

    def _second(self) -> Stream:
        later = [
            sorted(streams, key=lambda stream: stream.first_ns)[1]
            for streams in (self.path.up, self.path.down)
            if len(streams) > 1
        ]
        return min(later, key=lambda stream: stream.first_ns)


def carries_relayed(facts: Facts) -> bool:
    """Whether an attempt may be the connection to a blind relay of another one."""
    return any(_carries_second(path) for path in facts.streams)


def relay_links(main: Facts, others: list[Facts], handed: Container[tuple[int, int]] = ()) -> list[RelayLink]:
    """The connections to a blind relay, or to a proxy, that carry `main`'s stream, client's first.

    Args:
        main: the attempt.
        others: attempts that a side of it may have begun to reach a blind relay.
        handed: where attempts were handed over, any attempts: from and to endpoints. Links there are to proxies.
    """
    links: list[RelayLink] = []
    for by_client, side in ((True, main.sides.client), (False, main.sides.server)):
        for other in others:
            if other.attempt.target == main.attempt.target or not _opened_by(other.sides.client, side):
                continue
            path = next((path for path in other.streams if _carries_second(path)), None)
            if path is not None and (_is_own(main, path) or not _is_handed(path, handed)):
                links.append(RelayLink(by_client, other, path))
                break
    return links


def is_proxied(main: Facts, link: RelayLink) -> bool:
    """Whether a link is to a proxy: what is sent there names the other side's stream; to a relay, one of its own."""
    if _is_own(main, link.path):
        return True
    own = {stream.udx_id for path in main.streams for stream in (*path.up, *path.down)}
    return not own.isdisjoint(stream.udx_id for stream in link.path.up)


def _is_own(main: Facts, path: StreamFacts) -> bool:
    """Whether an attempt was handed over on this path."""
    starts = [side.handed.start for side in (main.sides.client, main.sides.server) if side.handed is not None]
    return any(
        one.sources & start.sources and one.destinations & start.destinations for one in path.up for start in starts
    )


def _is_handed(path: StreamFacts, handed: Container[tuple[int, int]]) -> bool:
    return any(ends in handed for stream in path.up for ends in product(stream.sources, stream.destinations))


def _opened_by(opener: Side, side: Side) -> bool:
    if opener.main & (side.main | side.punching):
        return True
    return bool(opener.hosts & side.hosts) and not (opener.seen & side.seen)


def _carries_second(path: StreamFacts) -> bool:
    return path.both_ways and (len(path.up) > 1 or len(path.down) > 1)
