"""The fields of a flow that only the pages on one attempt show: candidates, the life of tokens, the server's relays."""

from __future__ import annotations

from typing import Any

from capture.flows.announced import announced_relays
from capture.flows.candidates_of import candidates_of
from capture.flows.endpoints import address_of
from capture.flows.freezing import Case
from capture.flows.token_events import token_events
from capture.table import PacketTable


def tried_fields(table: PacketTable, case: Case) -> dict[str, Any]:
    """Those fields by name."""
    facts = case.facts
    events = token_events(table, facts, case.tokens)
    return {
        "candidates": candidates_of(table, facts, case.judgement, events),
        "token_events": events,
        "announced_relays": tuple(address_of(table, endpoint) for endpoint in announced_relays(table, facts.attempt)),
    }
