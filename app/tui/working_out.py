"""Attempts as far as a screen shows them: their fields are worked out when they are first read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from capture.filter import Filter
from capture.model import Flow

if TYPE_CHECKING:
    from app.tui.ordering import Ordering


class Grown(NamedTuple):
    """The attempts after a look at a live source, which of them pass `filter`, and those as the list is sorted."""

    flows: tuple[Flow, ...]
    passing: tuple[Flow, ...]
    shown: tuple[Flow, ...]
    filter: Filter
    ordering: Ordering


def passing_of(wanted: Filter, flows: tuple[Flow, ...]) -> tuple[Flow, ...]:
    """Those that pass a filter."""
    return wanted.select(flows) if wanted.text.strip() else flows


def list_it(flow: Flow) -> None:
    """Read a field of each stage that a list shows, which works out the stage."""
    _ = flow.outcome, flow.client_nat


def draw_it(flow: Flow) -> None:
    """Work out the stages that a list does without, too."""
    _ = flow.outcome, flow.client_nat, flow.steps
