"""A parsed filter: comparisons joined by and, or, not. Its text, and what it asks of."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag

from capture.filter.checks import Check
from capture.filter.fields import Field


class Asks(IntFlag):
    """What comparisons are asked of."""

    NOTHING = 0
    ATTEMPT = 1
    """A field that only attempts have."""
    PACKET = 2
    """A field that only packets have."""
    EITHER = 4
    """A field that both have."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field, an operator (never ``!=``) and a value."""

    field: Field
    operator: str
    value: str
    check: Check
    column: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    term: Node


@dataclass(frozen=True, slots=True)
class And:
    """All of them; none is an `And`."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of them; none is an `Or`."""

    terms: tuple[Node, ...]


Node = Comparison | Not | And | Or


def negated(term: Node) -> Node:
    """The opposite of a term."""
    return term.term if isinstance(term, Not) else Not(term)


def joined(kind: type[And] | type[Or], terms: list[Node]) -> Node:
    """Terms joined; those of the same kind among them are taken apart."""
    flat: list[Node] = []
    for term in terms:
        flat += term.terms if isinstance(term, kind) else (term,)
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def comparisons(node: Node) -> Iterator[Comparison]:
    """Every comparison in it."""
    if isinstance(node, Comparison):
        yield node
    elif isinstance(node, Not):
        yield from comparisons(node.term)
    else:
        for term in node.terms:
            yield from comparisons(term)


def asks(node: Node) -> Asks:
    """What its comparisons are asked of."""
    found = Asks.NOTHING
    for one in comparisons(node):
        if one.field.of_flow is None:
            found |= Asks.PACKET
        elif one.field.of_packet is None:
            found |= Asks.ATTEMPT
        else:
            found |= Asks.EITHER
    return found


def text_of(node: Node) -> str:
    """An expression that parses to it."""
    if isinstance(node, Comparison):
        return f"{node.field.name} {node.operator} {quoted(node.value)}"
    if isinstance(node, Not):
        return f"not {_inside(node.term)}"
    word = " and " if isinstance(node, And) else " or "
    return word.join(_inside(term) if not isinstance(term, Not) else text_of(term) for term in node.terms)


def quoted(value: str) -> str:
    """A value as it can be typed."""
    if value and not set(value) & set(" \t\n\r\f\v()!<>=~&|'\"") and value.lower() not in ("and", "or", "not"):
        return value if value.isprintable() else f"'{value}'"
    return f'"{value}"' if "'" in value else f"'{value}'"


def _inside(node: Node) -> str:
    return text_of(node) if isinstance(node, Comparison) else f"({text_of(node)})"
