"""The expression that says what to hold: typed like a filter, and in force once it is kept."""

from __future__ import annotations

from typing import Final

from textual.message import Message
from textual.widgets import Input

from app.tui.filter_bar import FilterBar, Judgement
from capture.filter import Filter, FilterError

EXAMPLE: Final = "command == PEER_HOLEPUNCH"
"""Stands in the empty line."""


class InterceptBar(FilterBar):
    """A filter bar; what is typed holds messages only from Enter on, and Esc leaves all as it was."""

    class Closed(Message):
        """The user has finished; `wanted` is None where nothing is to change."""

        def __init__(self, wanted: Filter | None) -> None:
            super().__init__()
            self.wanted = wanted

    _leaving = False

    def on_mount(self) -> None:
        """Show an example of what to type."""
        self.query_one(Input).placeholder = EXAMPLE

    def open(self, current: Filter, text: str | None = None) -> None:
        """Let the user type.

        Args:
            current: the expression that holds.
            text: what stands there to begin with; None: the expression that holds.
        """
        super().open(current, text)
        self._explain()

    def on_filter_bar_applied(self, event: FilterBar.Applied) -> None:
        """Nothing holds before it is kept; say what Enter would do."""
        event.stop()
        if event.done:
            self.post_message(self.Closed(None if self._leaving else event.wanted))
            self._leaving = False
        else:
            self._explain()

    def action_leave(self) -> None:
        """Leave; the expression that held before goes on to hold."""
        self._leaving = True
        super().action_leave()

    def _judge(self, text: str) -> bool:
        """Also refuse what is known of attempts alone: nobody knows it while a message is on its way."""
        from app.hand.asking import AskedTooMuchError, datagram_filter

        try:
            datagram_filter(text.rstrip())
        except AskedTooMuchError as error:
            self._waiting = None
            self.query_one(Judgement).show(str(error), good=False)
            self._colour(good=False)
            return False
        except FilterError:
            pass  # the filter bar says what is wrong with it
        return super()._judge(text)

    def _explain(self) -> None:
        empty = not self._valid.text.strip()
        said = "Enter: hold nothing" if empty else "Enter: hold every message that passes this, both ways"
        self.query_one(Judgement).show(said, good=True)
        self._colour(good=True)
