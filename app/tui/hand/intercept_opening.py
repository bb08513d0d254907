"""The way from the main screen to the intercept screen, and how many messages are held meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from app.intercept_status import HeldMessage, Interception
    from app.touched_packets import TouchedPackets
    from app.tui.main_screen import MainScreen
    from capture.model import Flow

_OURS: Final = (
    "A node of our own can hold what it receives, sends and passes on: peephole node, listen, connect, and demo, where "
    "everything runs on this machine."
)
FROM_FILE: Final = f"These packets are in a file: all of them went their way long ago, and none can be held. {_OURS}"
FROM_INTERFACE: Final = (
    f"These packets are watched on their way past: they do not come through here, and none can be held. {_OURS}"
)
NOT_YET: Final = f"What runs here passes nothing through an interceptor. {_OURS}"


class InterceptOpening:
    """I on the main screen, and the count of held messages on its status line."""

    _touched: TouchedPackets
    _touches_shown = 0
    """How many touches the ladder has taken in."""

    @property
    def _main(self) -> MainScreen:
        return cast("MainScreen", self)

    @property
    def interception(self) -> Interception | None:
        """What holds messages here, if anything does."""
        main = self._main
        if main.node is not None:
            return main.node.interception
        return None if main.demo is None else main.demo.interception

    @property
    def held_count(self) -> int:
        """How many messages are held now."""
        return 0 if self.interception is None else self.interception.holding

    def held_in(self, flow: Flow) -> tuple[HeldMessage, ...]:
        """The messages of an attempt that are held now, as they may be shown."""
        from app.draw.pending import held_of

        if self.interception is None or not self.interception.holding:
            return ()
        held = held_of(flow, self.interception.held())
        masking = self._main.masking_now()
        if masking is None:
            return held
        from app.tui.hand.intercept_hiding import hidden_message

        return tuple(hidden_message(one, masking) for one in held)

    def begin_touches(self) -> None:
        """Let the ladder say what our node did to packets, now or when they were captured."""
        from app.touched_packets import TouchedPackets

        ladder, session = self._main.ladder, self._main.session
        self._touched = TouchedPackets(lambda: session.story)
        ladder.touched, ladder.signed = self._touched.rows, self._touched.sign
        self._touches_shown = self._touched.count

    def look_at_touches(self) -> None:
        """Lay the ladder out anew where something was done to a packet since; held messages age under it."""
        if self._touched.count != self._touches_shown:
            self._touches_shown = self._touched.count
            ladder = self._main.ladder
            ladder.set_options(ladder.options)
        main = self._main
        if main.node is None and self.interception is not None:
            # A node of ours tells how it is, with its own countdowns; what is no single node is looked at here.
            flow = main.ladder.flow
            main.ladder.show_timers(() if flow is None else self.held_in(flow))

    def action_intercept(self) -> None:
        """Open the intercept screen; it says so where nothing can be held."""
        from app.tui.hand.intercept_screen import InterceptScreen

        main = self._main
        main.app.push_screen(InterceptScreen(self.interception, self._nothing(), main.zone, main.masking_now))

    def _nothing(self) -> str:
        main = self._main
        if main.session.feed is None:
            return FROM_FILE
        return NOT_YET if main.node is not None or main.demo is not None else FROM_INTERFACE
