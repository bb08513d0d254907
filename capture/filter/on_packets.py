"""A filter asked of packets: of one decoded datagram, or of the whole packet table.

A comparison of a field that packets have is asked of the packet. A part that is asked of attempts alone is asked of the
attempts, as a whole, and holds for the packets of every attempt that passes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capture.arrays import Bools
from capture.filter.attempts import attempt_predicate
from capture.filter.checks import Absent, Contains, Matches
from capture.filter.payload_search import HasBytes
from capture.filter.tree import And, Asks, Comparison, Node, Not, Or, asks, comparisons

if TYPE_CHECKING:
    from capture.filter.packet import Packet
    from capture.filter.packets import Part
    from capture.flow import Flow


def passes_packet(node: Node, packet: Packet) -> bool:
    """Whether one packet passes."""
    if asks(node) == Asks.ATTEMPT:
        predicate = attempt_predicate(node)
        return any(predicate(flow, _no_packets) for flow in packet.flows)
    if isinstance(node, Comparison):
        assert node.field.of_packet is not None
        values = node.field.of_packet(packet)
        return not values if isinstance(node.check, Absent) else any(map(node.check.holds, values))
    if isinstance(node, Not):
        return not passes_packet(node.term, packet)
    if isinstance(node, Or):
        return any(passes_packet(term, packet) for term in node.terms)
    return all(passes_packet(term, packet) for term in _together(node))


def passing_rows(node: Node, part: Part) -> Bools:
    """Which packets of a stretch pass."""
    if asks(node) == Asks.ATTEMPT:
        return _of_attempts(node, part)
    if isinstance(node, Comparison):
        return _compared(node, part)
    if isinstance(node, Not):
        return ~passing_rows(node.term, part)
    found: Bools | None = None
    for term in _together(node) if isinstance(node, And) else node.terms:
        passing = passing_rows(term, part)
        if found is None:
            found = passing
        elif isinstance(node, And):
            found = found & passing
        else:
            found = found | passing
    assert found is not None
    return found


def settled(node: Node) -> bool:
    """Whether what it says of a packet never changes, however much is captured later."""
    return all(one.field.of_packet is not None and one.field.settled for one in comparisons(node))


def slow(node: Node) -> bool:
    """Whether it looks for text or bytes, which takes a second for a million packets."""
    return any(isinstance(one.check, Contains | Matches | HasBytes) for one in comparisons(node))


def _together(node: And) -> list[Node]:
    """The terms of a conjunction, with those that are about one attempt joined."""
    about_attempts = [term for term in node.terms if asks(term) == Asks.ATTEMPT]
    if len(about_attempts) < 2 or len(about_attempts) == len(node.terms):
        return list(node.terms)
    rest = [term for term in node.terms if asks(term) != Asks.ATTEMPT]
    return [And(tuple(about_attempts)), *rest]


def _compared(node: Comparison, part: Part) -> Bools:
    assert node.field.columns is not None
    columns = node.field.columns(part)
    if isinstance(node.check, Absent):
        return ~_any([column.present() for column in columns], part)
    return _any([column.passes(node.check) for column in columns], part)


def _any(masks: list[Bools], part: Part) -> Bools:
    if not masks:
        return np.zeros(part.size, np.bool_)
    found = masks[0]
    for mask in masks[1:]:
        found = found | mask
    return found


def _of_attempts(node: Node, part: Part) -> Bools:
    packets = part.packets
    flows = packets.flows
    predicate = attempt_predicate(node)
    passing = np.fromiter((predicate(flow, _no_packets) for flow in flows), np.bool_, len(flows))
    found: Bools = packets.belonging.spread(packets.members(), passing)[part.rows]
    return found


def _no_packets(_node: Node, _flow: Flow) -> bool:
    raise AssertionError("what asks of attempts alone asks of no packet")
