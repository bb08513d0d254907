"""Steps in the order of what caused what, where clocks time them otherwise."""

from __future__ import annotations

from types import SimpleNamespace

from capture.flows.causal import in_causal_order
from capture.flows.legs import FROM_CLIENT, FROM_RELAY, FROM_SERVER, REPLY
from capture.model import Sighting, Step, StepKind


def step(row: int, time: float) -> Step:
    return Step(StepKind.PROBE, time, "client", "server", str(row), Sighting(0, row + 1, row))


def exchange(*legs: tuple[int, int, float]) -> SimpleNamespace:
    """Legs as row, mode, seconds."""
    made = [SimpleNamespace(row=row, mode=mode, time_ns=round(time * 1e9)) for row, mode, time in legs]
    return SimpleNamespace(legs=made)


def rows(steps: tuple[Step, ...]) -> list[int]:
    return [int(one.label) for one in steps]


def test_an_answer_timed_before_its_question_comes_after_it() -> None:
    legs = ((0, FROM_CLIENT, 5.000), (1, FROM_RELAY, 4.998), (2, FROM_SERVER, 4.999), (3, REPLY, 5.001))
    steps = [step(row, time) for row, _, time in legs]
    ordered = in_causal_order(steps[::-1], [exchange(*legs)])  # type: ignore[list-item]
    assert rows(ordered) == [0, 1, 2, 3]
    assert [one.time for one in ordered] == [5.000, 4.998, 4.999, 5.001], "times stay as measured"


def test_what_no_clock_contradicts_is_in_order_of_time() -> None:
    legs = ((0, FROM_CLIENT, 1.0), (2, FROM_RELAY, 1.2))
    steps = [step(0, 1.0), step(1, 1.1), step(2, 1.2), step(3, 0.9)]
    assert rows(in_causal_order(steps, [exchange(*legs)])) == [3, 0, 1, 2]  # type: ignore[list-item]


def test_a_question_sent_again_does_not_hold_back_the_first_answer() -> None:
    legs = ((0, FROM_CLIENT, 1.0), (1, FROM_RELAY, 1.1), (2, FROM_CLIENT, 2.0), (3, FROM_RELAY, 2.1))
    steps = [step(row, time) for row, _, time in legs]
    assert rows(in_causal_order(steps, [exchange(*legs)])) == [0, 1, 2, 3]  # type: ignore[list-item]


def test_what_never_came_is_after_what_did() -> None:
    missing = Step(StepKind.MISSING, 1.0, "relay1", "client", "9", None)
    assert rows(in_causal_order([missing, step(0, 1.0)], [])) == [0, 9]
