"""What can be wrong with a filter."""

from __future__ import annotations


class FilterError(ValueError):
    """A filter that does not parse. `column` counts characters from 1.

    The reason may quote what was typed: escape it before it is shown in a terminal.
    """

    def __init__(self, column: int, reason: str) -> None:
        super().__init__(f"column {column}: {reason}")
        self.column = column
        self.reason = reason


class WrongValueError(ValueError):
    """A value that the field can't be compared with; the message says what it takes."""


class WrongOperatorError(ValueError):
    """An operator that the field can't be compared by; the message says which it takes."""


class PacketsNeededError(TypeError):
    """A filter that asks of packets was used without them: bind it with `Filter.on` first."""

    def __init__(self, text: str) -> None:
        super().__init__(f"the filter {text!r} asks of packets: bind it to a story with Filter.on")
