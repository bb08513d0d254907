"""One step of a client or server that waits for the script."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from app.script.expectations import ExpectationFailed
from protocol.editing.fields import fields_of, with_fields
from protocol.editing.values import EditError
from protocol.peer.desk import Desk, HeldStep, NotHeldError
from protocol.peer.steps import Act, Step

if TYPE_CHECKING:
    from protocol.peer.peer import Peer
    from protocol.udp_shell import UdpShell

T = TypeVar("T")


class StepInHand:
    """A step that waits, or went. Everything but `send` and its like can be done as often as wanted before it goes.

    Args:
        desk: where it waits.
        shell: runs the peer behind.
        held: the step as it came.
    """

    def __init__(self, desk: Desk, shell: UdpShell[Peer], held: HeldStep) -> None:
        self.number = held.number
        self.came = held.came
        """As it was built."""
        self.step: Step = held.step
        """As it is now."""
        self._desk = desk
        self._shell = shell

    @property
    def act(self) -> Act:
        """What it is for."""
        return self.came.act

    @property
    def fields(self) -> dict[str, str]:
        """Its fields as they are now, by the names of docs/intercept.md."""
        return {field.name: field.text for field in fields_of(self.step)}

    def edit(self, changes: Mapping[str, str] | None = None, /, **more: object) -> StepInHand:
        """Change fields before it goes: ``edit(firewall="RANDOM", remote_token="strip")``.

        Args:
            changes: values by name, for names with a dot.
            more: the same, as keywords; numbers and booleans may be given as such.

        Raises:
            ExpectationFailed: a field can't be changed like that, or the step does not wait any more.
        """
        self.step = self._changed(changes, more)
        self._do(lambda desk, _: desk.edit(self.number, self.step))
        return self

    def revert(self) -> StepInHand:
        """Take all changes back."""
        self._do(lambda desk, _: desk.revert(self.number))
        self.step = self.came
        return self

    def send(self) -> StepInHand:
        """Let it go as it is now."""
        self._do(lambda desk, now: desk.send(self.number, now))
        return self

    def leave_out(self) -> None:
        """Let it be lost: a request without an answer, an answer not sent, a punch not fired."""
        self._do(lambda desk, now: desk.leave_out(self.number, now))

    def skip(self) -> None:
        """Go on as if there were no such step."""
        self._do(lambda desk, now: desk.skip(self.number, now))

    def put_off(self) -> StepInHand:
        """Go on without it; `send` sends it later, behind others."""
        self._do(lambda desk, now: desk.put_off(self.number, now))
        return self

    def repeat(self, changes: Mapping[str, str] | None = None, /, **more: object) -> StepInHand:
        """Send it once more after it went, the same or with changes; what comes back is not waited for."""
        step = self._changed(changes, more)
        self._do(lambda desk, now: desk.repeat(self.number, now, step))
        return self

    def _changed(self, changes: Mapping[str, str] | None, more: Mapping[str, object]) -> Step:
        try:
            return with_fields(self.step, texts_of(changes, more))
        except EditError as error:
            raise ExpectationFailed(f"the step {self.act.name} can't be edited: {error}") from None

    def _do(self, deed: Callable[[Desk, float], T]) -> T:
        try:
            result = self._shell.act(lambda _, now: deed(self._desk, now))
        except NotHeldError as error:
            raise ExpectationFailed(f"the step {self.act.name}: {error}") from None
        return result


def texts_of(changes: Mapping[str, str] | None, more: Mapping[str, object]) -> dict[str, str]:
    """Fields as they are written in forms."""
    found = dict(changes or {})
    for name, value in more.items():
        found[name] = written(value)
    return found


def written(value: object) -> str:
    """A value as it is written in forms."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple | list) and not hasattr(value, "port"):
        return ", ".join(written(one) for one in value)
    return str(value)
