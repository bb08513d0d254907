"""Listing: flows with who and when; what else they say is worked out when somebody asks for it.

What works it out is imported only then: most of a list is never looked at, and to start that takes as long as to read
some ten thousand packets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from capture.flows.attempt import Attempt
from capture.flows.copies import Copies
from capture.flows.deferred import MEMBERS, DeferredFlow, StageList
from capture.flows.endpoints import host_of
from capture.flows.searches import Search
from capture.table import PacketTable

if TYPE_CHECKING:
    from capture.flows.freezing import Case

JUDGED: Final = (
    "duration",
    "client",
    "server",
    "relays",
    "key",
    "client_firewall",
    "server_firewall",
    "outcome",
    "path",
    "verdict",
    "fast_open",
    "rounds",
    "server_token",
    "client_token",
    "proxies",
)
"""Fields that take the attempt's facts."""
DRAWN: Final = (
    "client_probes",
    "server_probes",
    "lanes",
    "messages",
    "steps",
    "notes",
)
"""Fields that take every packet of the attempt."""
SAMPLED: Final = ("client_nat", "server_nat")
"""Fields that take the responses to the sockets of the attempt."""
TRIED: Final = ("candidates", "token_events", "announced_relays")
"""Fields that only the pages on one attempt show."""
TIMED: Final = ("course",)
"""What statistics on all attempts are made from."""


_STAGE_OF: Final = {name: stage[0] for stage in (JUDGED, DRAWN, SAMPLED, TRIED, TIMED, (MEMBERS,)) for name in stage}
"""A stage goes by its first field."""


class _OfAttempt:
    """Makes the fields of an attempt's flow: one small object for each of a hundred thousand."""

    __slots__ = ("_attempt", "_find_case", "_started_ns", "_table")

    def __init__(
        self, table: PacketTable, attempt: Attempt, started_ns: int, find_case: Callable[[Attempt], Case]
    ) -> None:
        self._table = table
        self._attempt = attempt
        self._started_ns = started_ns
        self._find_case = find_case

    def make(self, name: str) -> Mapping[str, Any] | None:
        """All fields of the stage that a field belongs to."""
        stage = _STAGE_OF.get(name)
        if stage is None:
            return None
        table, case = self._table, self._find_case(self._attempt)
        if stage == MEMBERS:
            from capture.flows.members import members_of_case

            return {MEMBERS: members_of_case(table, case)}
        if stage == TIMED[0]:
            from capture.flows.course_of import course_of

            return {"course": course_of(table, case.facts, case.judgement)}
        if stage == TRIED[0]:
            from capture.flows.tried import tried_fields

            return tried_fields(table, case)
        from capture.flows import freezing

        if stage == JUDGED[0]:
            return freezing.judged_fields(table, case, self._started_ns)
        return freezing.drawn_fields(table, case) if stage == DRAWN[0] else freezing.sampled_fields(table, case)


def list_attempt(table: PacketTable, attempt: Attempt, find_case: Callable[[Attempt], Case]) -> DeferredFlow:
    """The flow of an attempt.

    Args:
        table: the packets.
        attempt: the attempt.
        find_case: gathers and judges; called when more than id, start and target is asked for.
    """
    started_ns = attempt.started_ns
    if attempt.search_rows:
        started_ns = min(started_ns, int(table.time_ns[attempt.search_rows[0]]))
    return DeferredFlow(
        _OfAttempt(table, attempt, started_ns, find_case),
        id=attempt.id.hex(),
        started=started_ns / 1e9,
        target=attempt.target,
    )


def list_search(table: PacketTable, search: Search, copies: Copies) -> DeferredFlow:
    """The flow of a FIND_PEER query that led to no handshake."""
    # Several clients may search for one target under one tid.
    name = search.target + search.tid.to_bytes(2, "little") + host_of(search.client).to_bytes(5, "big")

    def everything() -> dict[str, Any]:
        from capture.flows.freezing import search_fields

        return search_fields(table, search, copies)

    def members() -> dict[str, Any]:
        from capture.flows.members import members_of_search

        return {MEMBERS: members_of_search(table, search.rows)}

    return DeferredFlow(
        StageList(((JUDGED + DRAWN + SAMPLED + TRIED + TIMED, everything), ((MEMBERS,), members))),
        id=blake2b(name, digest_size=32).hexdigest()[:16],
        started=int(table.time_ns[search.rows].min()) / 1e9,
        target=search.target,
    )
