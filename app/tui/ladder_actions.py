"""What the keys of the main screen do to the ladder."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, TypeVar, cast

from app.draw import terms
from app.draw.ladder_plan import Bursts, ColourMode, TimeMode
from capture.model import Sighting

if TYPE_CHECKING:
    from app.tui.main_screen import MainScreen

E = TypeVar("E", bound=Enum)


def _next(value: E) -> E:
    """The member after `value`, round and round."""
    members = list(type(value))
    return members[(members.index(value) + 1) % len(members)]


class LadderActions:
    """How the ladder is drawn, and where in it one is."""

    @property
    def _main(self) -> MainScreen:
        return cast("MainScreen", self)

    def action_evidence(self, number: int) -> None:
        """To a piece of evidence."""
        flow = self._main.flow
        if flow is None:
            return
        if number > len(flow.verdict.evidence):
            self._main.notify(f"This verdict has {len(flow.verdict.evidence)} pieces of evidence.", markup=False)
            return
        self.go_to(flow.verdict.evidence[number - 1].sighting)

    def go_to(self, sighting: Sighting) -> None:
        """Select the step that shows a datagram."""
        main = self._main
        if main.ladder.go_to(sighting):
            if not main.maximised:
                main.ladder.focus()
        else:
            main.notify(f"Packet #{sighting.frame} is no step of this ladder.", markup=False)

    def action_time(self) -> None:
        """Next time mode; counting from a mark needs one."""
        ladder = self._main.ladder
        mode = _next(ladder.options.time)
        if mode is TimeMode.MARK and ladder.options.marked is None:
            mode = _next(mode)
        ladder.set_options(replace(ladder.options, time=mode))
        self.title_ladder()

    def action_colour(self) -> None:
        """Next colour mode."""
        ladder = self._main.ladder
        ladder.set_options(replace(ladder.options, colour=_next(ladder.options.colour)))
        self.title_ladder()

    def action_compress(self) -> None:
        """Fold relays and nodes into one lane, or not."""
        ladder = self._main.ladder
        ladder.set_options(replace(ladder.options, compressed=not ladder.options.compressed))
        self.title_ladder()

    def action_bursts(self) -> None:
        """Next way to show bursts."""
        ladder = self._main.ladder
        ladder.set_options(replace(ladder.options, bursts=_next(ladder.options.bursts), unfolded=frozenset()))
        self.title_ladder()

    def title_ladder(self) -> None:
        """Say what the ladder shows, and how."""
        main = self._main
        flow, options = main.flow, main.ladder.options
        if flow is None:
            return
        said = [
            "ladder",
            "" if options.time is TimeMode.RELATIVE else f"time: {options.time.value}",
            "" if options.colour is ColourMode.PHASE else f"colour: {options.colour.value}",
            "" if options.bursts is Bursts.FOLDED else f"bursts: {options.bursts.value}",
            "compressed" if options.compressed else "",
            f"{terms.address(flow.client)} → {terms.key(flow.key.server_public_key or flow.target)}",
            f"id {flow.id[:8]}",
        ]
        main.ladder.title = terms.joined(said)
