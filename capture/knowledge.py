"""What packets prove about the way of datagrams: which addresses are translated, and what TTL a passage costs.

Learned from datagrams whose content tells them apart, used for those that have none: a hole-punch packet is one zero
byte, and only the mapping that other packets proved says which of them left a NAT as which. Content may be equal by
chance, as two clients may use one transaction id: so translations are counted, and one that another contradicts at
least as often is not believed.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Final, NamedTuple

Endpoint = int
"""An address and port in one number: port, host above it (from bit 16), address family above that (bit 49)."""
_IPV6: Final = 1 << 49
_HOST: Final = (1 << 33) - 1


class _Best(NamedTuple):
    """The translation seen most often of those that exclude each other; `tied` if another is as frequent."""

    endpoint: Endpoint
    times: int
    tied: bool


def host_of(endpoint: Endpoint) -> int:
    """The host part of an endpoint, family included."""
    return endpoint >> 16


class Knowledge:
    """Translations and TTL steps that telling datagrams proved.

    Attributes:
        ttl_steps: how much the TTL fell between two sightings.
        hosts: host before and after translation, and how often that was seen.
        ends: endpoint before translation to all the endpoints after it that were seen, whoever the peer.
    """

    __slots__ = ("_after", "_before", "_counts", "ends", "hosts", "ttl_steps")

    def __init__(self) -> None:
        self.ttl_steps: set[int] = set()
        self.hosts: dict[tuple[int, int], int] = {}
        self.ends: dict[Endpoint, set[Endpoint]] = {}
        self._counts: dict[tuple[Endpoint, Endpoint, Endpoint], int] = {}
        self._after: dict[tuple[Endpoint, Endpoint], _Best] = {}
        self._before: dict[tuple[Endpoint, Endpoint], _Best] = {}

    def __len__(self) -> int:
        """How many translations were proved."""
        return len(self._counts)

    def learn(self, before: Endpoint, after: Endpoint, peer: Endpoint, times: int = 1) -> None:
        """Datagrams to or from `peer` had `before` on one side of a NAT and `after` on the other."""
        key = before, after, peer
        # The last learned is last: the oldest are forgotten first.
        count = self._counts[key] = self._counts.pop(key, 0) + times
        _vote(self._after, (before, peer), after, count)
        _vote(self._before, (after, peer), before, count)
        self.ends.setdefault(before, set()).add(after)
        pair = host_of(before), host_of(after)
        self.hosts[pair] = self.hosts.get(pair, 0) + times

    def take_in(self, other: Knowledge) -> None:
        """Add what another capture proved."""
        for (before, after, peer), count in other._counts.items():
            self.learn(before, after, peer, count)

    def shrink(self, most: int) -> None:
        """Forget those translations that were proved longest ago, once there are twice as many as `most`.

        For a source that never ends: whoever goes on using a translation proves it again.
        """
        if len(self._counts) >= 2 * most:
            self._begin_anew(dict(islice(self._counts.items(), len(self._counts) - most, None)))

    def renumber(self, place: Callable[[int], int | None]) -> None:
        """IPv6 hosts have got other numbers.

        Args:
            place: the new number of a host; None: nobody knows it any more, and what it proved is forgotten.
        """
        if not any(end & _IPV6 for key in self._counts for end in key):
            return

        def moved(end: Endpoint) -> Endpoint | None:
            number = place(end >> 16 & _HOST) if end & _IPV6 else end >> 16 & _HOST
            return None if number is None else end & (_IPV6 | 0xFFFF) | number << 16

        counts: dict[tuple[Endpoint, Endpoint, Endpoint], int] = {}
        for (before, after, peer), count in self._counts.items():
            ends = moved(before), moved(after), moved(peer)
            if ends[0] is not None and ends[1] is not None and ends[2] is not None:
                counts[ends[0], ends[1], ends[2]] = count
        self._begin_anew(counts)

    def _begin_anew(self, counts: dict[tuple[Endpoint, Endpoint, Endpoint], int]) -> None:
        for learned in (self.hosts, self.ends, self._counts, self._after, self._before):
            learned.clear()
        for (before, after, peer), count in counts.items():
            self.learn(before, after, peer, count)

    def rank(self, before: Endpoint, after: Endpoint, peer: Endpoint) -> int:
        """How sure a translation is: 2 seen for this endpoint, 1 seen for its host only, 0 not seen or contradicted."""
        out, back = self._after.get((before, peer)), self._before.get((after, peer))
        if back is not None and (back.endpoint != before or back.tied):
            return 0
        if (before, after, peer) in self._counts:
            return 2
        if out is not None:
            return 0
        if after in self.ends.get(before, ()):
            return 2
        return int((host_of(before), host_of(after)) in self.hosts)

    def allows(self, before: Endpoint, after: Endpoint, peer: Endpoint) -> bool:
        """Whether this translation contradicts nothing that packets showed."""
        if self.rank(before, after, peer) > 0:
            return True
        known = (before, peer) in self._after or (after, peer) in self._before
        return not known and not self.hosts

    def allows_step(self, step: int) -> bool:
        """Whether a TTL that fell by this much can be one passage of the way."""
        return step in self.ttl_steps if self.ttl_steps else step <= 1


def _vote(
    votes: dict[tuple[Endpoint, Endpoint], _Best], key: tuple[Endpoint, Endpoint], candidate: Endpoint, count: int
) -> None:
    best = votes.get(key)
    if best is None or count > best.times or candidate == best.endpoint:
        tied = best is not None and candidate == best.endpoint and best.tied and count <= best.times
        votes[key] = _Best(candidate, count, tied)
    elif count == best.times:
        votes[key] = _Best(best.endpoint, best.times, True)
