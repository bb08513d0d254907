"""Listing: flows with who and when; what else they say is worked out when somebody asks for it.

What works it out is imported only then: most of a list is never looked at, and to start that takes as long as to read
some ten thousand packets.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from capture.flows.attempt import Attempt
from capture.flows.copies import Copies
from capture.flows.deferred import MEMBERS, DeferredFlow
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


def list_attempt(table: PacketTable, attempt: Attempt, find_case: Callable[[], Case]) -> DeferredFlow:
    """The flow of an attempt.

    Args:
        table: the packets.
        attempt: the attempt.
        find_case: gathers and judges; called when more than id, start and target is asked for.
    """
    started_ns = attempt.started_ns
    if attempt.search_rows:
        started_ns = min(started_ns, int(table.time_ns[attempt.search_rows[0]]))

    def judged() -> dict[str, Any]:
        from capture.flows.freezing import judged_fields

        return judged_fields(table, find_case(), started_ns)

    def drawn() -> dict[str, Any]:
        from capture.flows.freezing import drawn_fields

        return drawn_fields(table, find_case())

    def sampled() -> dict[str, Any]:
        from capture.flows.freezing import sampled_fields

        return sampled_fields(table, find_case())

    def tried() -> dict[str, Any]:
        from capture.flows.tried import tried_fields

        return tried_fields(table, find_case())

    def timed() -> dict[str, Any]:
        from capture.flows.course_of import course_of

        case = find_case()
        return {"course": course_of(table, case.facts, case.judgement)}

    def members() -> dict[str, Any]:
        from capture.flows.members import members_of_case

        return {MEMBERS: members_of_case(table, find_case())}

    stages = (
        (JUDGED, judged),
        (DRAWN, drawn),
        (SAMPLED, sampled),
        (TRIED, tried),
        (TIMED, timed),
        ((MEMBERS,), members),
    )
    return DeferredFlow(
        stages,
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
        ((JUDGED + DRAWN + SAMPLED + TRIED + TIMED, everything), ((MEMBERS,), members)),
        id=blake2b(name, digest_size=32).hexdigest()[:16],
        started=int(table.time_ns[search.rows].min()) / 1e9,
        target=search.target,
    )
