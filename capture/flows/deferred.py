"""Flows that are worked out in stages, when their fields are first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

from capture.flow import Flow

if TYPE_CHECKING:
    from capture.flows.members import Members

Stage = tuple[tuple[str, ...], Callable[[], Mapping[str, Any]]]
"""Names of fields, and what makes all of them at once."""


class Stages(Protocol):
    """What makes the fields of a flow, stage by stage."""

    def make(self, name: str) -> Mapping[str, Any] | None:
        """All fields of the stage that a field belongs to; None where there is none of that name."""
        ...


class StageList:
    """Stages that are given one by one."""

    __slots__ = ("_stages",)

    def __init__(self, stages: tuple[Stage, ...]) -> None:
        self._stages = stages

    def make(self, name: str) -> Mapping[str, Any] | None:
        """All fields of the stage that a field belongs to."""
        return next((make() for names, make in self._stages if name in names), None)


MEMBERS: Final = "members"
"""Name of the stage that finds the packets of an attempt; its value is no field of a flow."""
_PER_PACKET: Final = ("messages", "steps", "client_nat", "server_nat", "candidates")
"""Fields that hold an object for each packet."""
_LISTED: Final = ("outcome", "client_nat")
"""A field of each stage that lists show."""


class DeferredFlow(Flow):
    """A flow that is worked out when its fields are first asked for, in stages.

    To list a hundred thousand attempts takes who and when; their verdicts cost ten times as much, their arrows a
    hundred times. The slots of deferred fields stay empty until then; Python asks `__getattr__` for an empty slot.

    Args:
        stages: what makes the fields that `core` does not hold.
        core: fields that are known already.
    """

    __slots__ = ("_stages",)
    _stages: Stages

    def __init__(self, stages: Stages, **core: Any) -> None:
        for name, value in core.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_stages", stages)

    def __getattr__(self, name: str) -> Any:
        made = self._stages.make(name)
        if made is None:
            raise AttributeError(name)
        for each, value in made.items():
            object.__setattr__(self, each, value)
        return object.__getattribute__(self, name)

    @property
    def worked_out(self) -> bool:
        """Whether facts, verdict and samples are there."""
        try:
            for name in _LISTED:
                object.__getattribute__(self, name)
        except AttributeError:
            return False
        return True

    def members(self) -> Members:
        """The packets that belong to it, found without an object for each message and arrow; nothing is kept."""
        made = self._stages.make(MEMBERS)
        if made is None:
            return super().members()
        found: Members = made[MEMBERS]
        return found

    def release(self) -> None:
        """Empty the fields that hold an object for each packet; asked for again, they are worked out again."""
        for name in _PER_PACKET:
            with suppress(AttributeError):
                object.__delattr__(self, name)
