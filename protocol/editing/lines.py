"""Tables of editable fields: for each its name, how it is written, and where it is in a message.

A message is a frozen dataclass, perhaps of others; a `Line` reads one attribute of it, some levels down, and gives the
message with another value there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from protocol.editing.kinds import Kind, is_none
from protocol.editing.values import NONE, EditableField, EditError, Opener


class Absent:
    """The value of a field that this very message has no place for."""


ABSENT: Final = Absent()


@dataclass(frozen=True, slots=True)
class Line:
    """One editable field of a kind of message."""

    name: str
    kind: Kind
    get: Callable[[Any], object]
    """Gives its value, None if it is not there, or `ABSENT` if there is no place for it."""
    put: Callable[[Any, object], Any]
    """Gives the message with another value."""
    optional: bool = False
    note: str = ""

    def shown(self, message: object) -> EditableField | None:
        """The field as a form shows it; None if there is no place for it."""
        value = self.get(message)
        if value is ABSENT:
            return None
        text = NONE if value is None and self.optional else self.kind.show(value)
        return EditableField(self.name, text, self.kind.kind, self.kind.choices, self.optional, self.note)

    def changed(self, message: Any, text: str, opener: Opener) -> Any:
        """The message with the value that a text says.

        Raises:
            EditError: the text is no such value, or the field can't be left out.
        """
        if is_none(text) and self.optional:
            return self.put(message, None)
        try:
            value = self.kind.read(text.strip(), self.get(message), opener)
        except ValueError as error:
            # NONE is a word of some fields.
            reason = "it can't be left out" if is_none(text) else str(error)
            raise EditError(self.name, reason) from None
        if value is None and not self.optional:
            raise EditError(self.name, "it can't be left out")
        return self.put(message, value)


def line(name: str, kind: Kind, path: str | None = None, *, optional: bool = False, note: str = "") -> Line:
    """A line for an attribute; `path` is its name, with dots between levels, where it is not that of the field."""
    steps = tuple((name if path is None else path).split("."))
    return Line(name, kind, lambda message: _get(message, steps), lambda m, v: _put(m, steps, v), optional, note)


def under(prefix: str, lines: Iterable[Line]) -> tuple[Line, ...]:
    """The same lines of a message that is an attribute of another one."""
    steps = tuple(prefix.split("."))
    return tuple(_moved(one, steps) for one in lines)


def _moved(one: Line, steps: tuple[str, ...]) -> Line:
    def get(message: object) -> object:
        inner = _get(message, steps)
        return ABSENT if inner is None or inner is ABSENT else one.get(inner)

    def put(message: Any, value: object) -> Any:
        return _put(message, steps, one.put(_get(message, steps), value))

    return replace(one, get=get, put=put)


def _get(message: object, steps: tuple[str, ...]) -> object:
    for step in steps[:-1]:
        message = getattr(message, step)
        if message is None:
            return ABSENT
    found: object = getattr(message, steps[-1])
    return found


def _put(message: Any, steps: tuple[str, ...], value: object) -> Any:
    if len(steps) == 1:
        return replace(message, **{steps[0]: value})
    return replace(message, **{steps[0]: _put(getattr(message, steps[0]), steps[1:], value)})
