"""What statistics take of one attempt: small, and independent of the packets it was made from."""

from __future__ import annotations

from typing import NamedTuple

from capture.course import Asked, Stage
from capture.flow import Flow
from capture.model import Outcome, VerdictCode
from capture.nat_class import class_name, known_class


class FlowFigures(NamedTuple):
    """The figures of one attempt."""

    id: str
    started: float
    outcome: Outcome
    code: VerdictCode
    client_class: str
    server_class: str
    begun: frozenset[Stage]
    took: tuple[tuple[Stage, float], ...]
    """Seconds of the stages that ended."""
    asked: tuple[Asked, ...]
    """Every request over a relay."""


def figures_of(flow: Flow) -> FlowFigures:
    """The figures of an attempt; takes its verdict, and its NAT samples where a side stated no class."""
    course = flow.course
    stages = () if course is None else course.stages
    return FlowFigures(
        flow.id,
        flow.started,
        flow.outcome,
        flow.verdict.code,
        class_name(known_class(flow, client=True).firewall),
        class_name(known_class(flow, client=False).firewall),
        frozenset(one.stage for one in stages),
        tuple((one.stage, one.ended - one.started) for one in stages if one.ended is not None),
        () if course is None else course.asked,
    )
