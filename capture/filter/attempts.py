"""A filter asked of attempts.

A comparison of a field that attempts have is asked of the attempt. What is asked of packets holds for an attempt if one
of its packets passes; comparisons that `and` joins are then about the same packet, and so are those of fields that
either has, if they stand beside them. ``not`` in front of what is asked of packets alone says that none passes; beside
something positive it is about the packet that passes that.
"""

from __future__ import annotations

from collections.abc import Callable

from capture.filter.checks import Absent
from capture.filter.tree import And, Asks, Comparison, Node, Not, Or, asks
from capture.flow import Flow

SomePacket = Callable[[Node, Flow], bool]
"""Whether a packet of an attempt passes an expression."""
Predicate = Callable[[Flow, SomePacket], bool]


def attempt_predicate(node: Node, needed: list[Node] | None = None) -> Predicate:
    """The expression as a predicate on attempts.

    Args:
        node: the expression.
        needed: gets the parts that packets will be asked.
    """
    asked = asks(node)
    if not asked & Asks.PACKET:
        plain = _plain(node)
        return lambda flow, _some: plain(flow)
    if not asked & Asks.ATTEMPT and not isinstance(node, Not | Or) and not _all_negative(node):
        if needed is not None:
            needed.append(node)
        return lambda flow, some: some(node, flow)
    if isinstance(node, Not):
        inner = attempt_predicate(node.term, needed)
        return lambda flow, some: not inner(flow, some)
    assert isinstance(node, And | Or)
    if isinstance(node, Or):
        either = [attempt_predicate(term, needed) for term in node.terms]
        return lambda flow, some: any(one(flow, some) for one in either)
    every = [attempt_predicate(term, needed) for term in _grouped(node)]
    return lambda flow, some: all(one(flow, some) for one in every)


def _grouped(node: And) -> list[Node]:
    """The terms of a conjunction, with those that are about one packet joined."""
    about_packets = [term for term in node.terms if not asks(term) & Asks.ATTEMPT]
    rest = [term for term in node.terms if asks(term) & Asks.ATTEMPT]
    positive = [term for term in about_packets if asks(term) & Asks.PACKET and not isinstance(term, Not)]
    if not positive or not rest or len(about_packets) == 1:
        return list(node.terms)
    return [*rest, And(tuple(about_packets))]


def _all_negative(node: Node) -> bool:
    """A conjunction in which everything that is asked of packets is denied: each denial stands for itself."""
    return isinstance(node, And) and all(isinstance(term, Not) for term in node.terms if asks(term) & Asks.PACKET)


def _plain(node: Node) -> Callable[[Flow], bool]:
    """A predicate of what attempts themselves are asked."""
    if isinstance(node, Comparison):
        values, check = node.field.of_flow, node.check
        assert values is not None
        if isinstance(check, Absent):
            return lambda flow: not values(flow)
        return lambda flow: any(check.holds(value) for value in values(flow))
    if isinstance(node, Not):
        inner = _plain(node.term)
        return lambda flow: not inner(flow)
    terms = [_plain(term) for term in node.terms]
    if isinstance(node, Or):
        return lambda flow: any(term(flow) for term in terms)
    return lambda flow: all(term(flow) for term in terms)
