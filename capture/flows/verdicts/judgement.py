"""A judgement, and what every rule needs to make one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from capture.flows.attempt import Exchange
from capture.flows.facts import Facts, StreamFacts
from capture.model import Outcome, Path, VerdictCode
from protocol.constants import ErrorCode

RETRY_NS: Final = 1_000_000_000
"""Time between two sends of an unanswered request."""
SENDS: Final = 4
"""How often the reference sends a request before it gives up."""

Proof = tuple[int, str]
"""A row and what it says."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict before it is put into words."""

    code: VerdictCode
    outcome: Outcome
    path: Path | None
    proofs: tuple[Proof, ...]
    inferred: bool = False
    detail: str = ""
    """What the packets show beyond the code, as a clause."""
    stream: StreamFacts | None = None
    fast_open: bool = False
    behalf: tuple[str, ...] = ()
    """Sentences on who punched in whose place."""


def failed(code: VerdictCode, proofs: tuple[Proof, ...], *, inferred: bool = False, detail: str = "") -> Judgement:
    """A judgement that the attempt failed."""
    return Judgement(code, Outcome.FAILED, None, proofs, inferred=inferred, detail=detail)


def incomplete(facts: Facts, detail: str) -> Judgement:
    """A judgement that the capture does not show the end."""
    attempt = facts.attempt
    rows = [leg.row for exchange in attempt.exchanges for leg in exchange.legs]
    return Judgement(VerdictCode.INCOMPLETE, Outcome.UNKNOWN, None, ((rows[-1], "the last leg seen"),), detail=detail)


def cut_off(facts: Facts, exchanges: list[Exchange]) -> bool:
    """Whether the capture ends while a client would still be trying."""
    legs = [leg for exchange in exchanges for leg in exchange.legs]
    last = max(leg.time_ns for leg in legs)
    sends = max(sum(1 for leg in exchange.legs if leg.mode == exchange.legs[0].mode) for exchange in exchanges)
    return sends < SENDS and facts.capture_end_ns - last < RETRY_NS


def answer_row(exchange: Exchange) -> int:
    """The row of the answer that reached the client, or of the last leg seen."""
    answer = exchange.answered
    return answer.row if answer is not None else exchange.legs[-1].row


def error_name(number: int) -> str:
    """Upstream's name of an error code."""
    try:
        return ErrorCode(number).name
    except ValueError:
        return f"error {number}"
