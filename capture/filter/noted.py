"""Fields whose values the user has said: marks and comments. They are bound to the notes that hold when one asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from capture.filter.checks import Held
from capture.filter.fields import Field, Kind
from capture.filter.tree import And, Comparison, Node, Not, Or, comparisons
from capture.flow import Flow
from capture.notes import Notes

MARKED: Final = "marked"
COMMENT: Final = "comment"

NOTED_FIELDS: Final = (
    Field(MARKED, Kind.YES_NO, "it is marked", lambda _: (False,)),
    Field(COMMENT, Kind.TEXT, "what is said of it, or of a packet of its ladder", lambda _: ()),
)
"""The fields as they are where nothing was marked or said."""


def asks_notes(node: Node | None) -> bool:
    """Whether an expression asks of marks or comments."""
    return node is not None and any(one.field.name in (MARKED, COMMENT) for one in comparisons(node))


def bound(node: Node, notes: Notes) -> Node:
    """The same expression, asked of these notes."""
    if isinstance(node, Comparison):
        values: dict[str, Callable[[Flow], tuple[Held, ...]]] = {
            MARKED: lambda flow: (notes.marks_attempt(flow.id),),
            COMMENT: lambda flow: tuple(_comments(flow, notes)),
        }
        found = values.get(node.field.name)
        return node if found is None else replace(node, field=replace(node.field, of_flow=found))
    if isinstance(node, Not):
        return Not(bound(node.term, notes))
    kind: type[And] | type[Or] = type(node)
    return kind(tuple(bound(term, notes) for term in node.terms))


def _comments(flow: Flow, notes: Notes) -> Iterator[str]:
    if said := notes.on_attempt(flow.id):
        yield said
    if notes.packet_comments:
        for step in flow.steps:
            if said := notes.on(step.sighting):
                yield said
