"""Whether the packets of an attempt got the verdict that its scene calls for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from app.demo.director import Attempt
from capture.model import Flow, VerdictCode

SETTLING_NS: Final = 16_000_000_000
"""How long after its end an attempt is left alone: silence is evidence only when it has lasted."""
_EARLIER_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Judged:
    """An attempt, and what its packets say."""

    attempt: Attempt
    flow: Flow | None
    """None where no attempt of the capture is this one."""

    @property
    def verdict(self) -> VerdictCode | None:
        """What the packets say."""
        return None if self.flow is None else self.flow.verdict.code

    @property
    def agrees(self) -> bool:
        """Whether that is what the scene calls for."""
        return self.verdict in self.attempt.wanted


class Judge:
    """Keeps attempts until their packets can be judged."""

    def __init__(self) -> None:
        self._waiting: list[Attempt] = []

    @property
    def waiting(self) -> int:
        """Attempts that can't be judged yet."""
        return len(self._waiting)

    def wants(self, flow: Flow) -> bool:
        """Whether an attempt that can't be judged yet may be this one."""
        return any(attempt.target == flow.target for attempt in self._waiting)

    def add(self, attempt: Attempt) -> None:
        """An attempt is over for its application."""
        self._waiting.append(attempt)

    def ripe(self, flows: Iterable[Flow], now_ns: int) -> list[Judged]:
        """Those that can be judged now.

        Args:
            flows: all attempts of the capture.
            now_ns: on its clock.
        """
        ripe = [attempt for attempt in self._waiting if now_ns - attempt.ended_ns >= SETTLING_NS]
        if not ripe:
            return []
        self._waiting = [attempt for attempt in self._waiting if attempt not in ripe]
        return list(judge(ripe, flows))

    def rest(self, flows: Iterable[Flow]) -> list[Judged]:
        """All others: nothing more will come."""
        rest, self._waiting = self._waiting, []
        return list(judge(rest, flows))


def judge(attempts: Iterable[Attempt], flows: Iterable[Flow]) -> Iterator[Judged]:
    """Find the flow of each attempt: by its id, or, where it came to no handshake, by who searched for whom when."""
    known = tuple(flows)
    by_id = {flow.id: flow for flow in known}
    for attempt in attempts:
        flow = by_id.get(attempt.ending.attempt.hex()) or next(
            (flow for flow in known if _may_be(flow, attempt)),
            None,
        )
        yield Judged(attempt, flow)


def _may_be(flow: Flow, attempt: Attempt) -> bool:
    return (
        flow.target == attempt.target
        and flow.client is not None
        and flow.client.host == attempt.client_host
        and attempt.started_ns - _EARLIER_NS <= flow.started * 1e9 <= attempt.ended_ns
    )
