"""What the keys of the main screen do to the ladder."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from itertools import islice
from typing import TypeVar

from app.draw import terms
from app.draw.ladder_plan import Bursts, ColourMode, Level, TimeMode
from app.draw.shown_attempts import LETTERS, letter, same_pair
from app.tui.main_actions import MainActions
from app.wording import counted
from capture.model import Flow, Sighting

E = TypeVar("E", bound=Enum)

MOST_TOGETHER = len(LETTERS)
"""Attempts in one ladder."""


def _next(value: E) -> E:
    """The member after `value`, round and round."""
    members = list(type(value))
    return members[(members.index(value) + 1) % len(members)]


class LadderActions(MainActions):
    """How the ladder is drawn, and where in it one is."""

    together: frozenset[str] = frozenset()
    """Ids of attempts that are shown in one ladder."""
    _together_from = ""
    """Id of the attempt that was selected in the list then."""

    def ladder_flows(self) -> list[Flow]:
        """The attempts to show in the ladder: the selected one, or those that are shown together."""
        from app.tui.attempt_list import AttemptList

        selected = self._main.query_one(AttemptList).selected
        if self.together:
            if selected is not None and selected.id == self._together_from:
                return [one for one in self._main.session.flows if one.id in self.together]
            # Another one was selected in the list, or the filter took them away.
            self.together = frozenset()
        return [] if selected is None else [selected]

    def draw_ladder(self, flows: list[Flow]) -> None:
        """Show attempts in the ladder as they are now."""
        main = self._main
        session, ladder = main.session, main.ladder
        for flow in flows:
            session.work_out(flow)
        ladder.growing = session.feed is not None
        ladder.show_time(session.last_time)
        ladder.show(flows[0] if flows else None, session, session.files, flows[1:])
        self.title_ladder()

    def ladder_moved(self) -> None:
        """Among several attempts, title and verdict are those of the selected step's."""
        main = self._main
        if main.ladder.merged:
            self.title_ladder()
            main.show_verdict(keep=True)

    async def action_back(self) -> None:
        """Out of a ladder of several attempts: one again, and the list."""
        if self.together and self._main.focused is self._main.ladder and not self._main.maximised:
            self.show_alone()
        await super().action_back()

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
        """Select the step that shows a datagram; what is no step is shown in the packet list."""
        main = self._main
        if main.ladder.go_to(sighting):
            if not main.maximised:
                main.ladder.focus()
        elif sighting.row < len(main.session.table):
            main.open_packets(sighting)
        else:
            main.notify(f"Packet #{sighting.frame} is no step of this ladder.", markup=False)

    def action_time(self) -> None:
        """Next time mode; counting from a mark needs one."""
        ladder = self._main.ladder
        mode = _next(ladder.options.time)
        if mode is TimeMode.MARK and not ladder.options.marked:
            mode = _next(mode)
        ladder.set_options(replace(ladder.options, time=mode))
        self.title_ladder()

    def action_colour(self) -> None:
        """Next colour mode."""
        ladder = self._main.ladder
        mode = _next(ladder.options.colour)
        if mode is ColourMode.ATTEMPT and not ladder.merged:
            mode = _next(mode)
        ladder.set_options(replace(ladder.options, colour=mode))
        self.title_ladder()

    def action_compress(self) -> None:
        """Fold relays and nodes into one lane, then show only what the ends say, then all again."""
        following = {Level.NORMAL: Level.COMPRESSED, Level.COMPRESSED: Level.GIST}
        self._set_level(following.get(self._main.ladder.options.level, Level.NORMAL))

    def action_extend(self) -> None:
        """Show every datagram and every hop, or not; in the list: of all marked attempts in one ladder."""
        from app.tui.attempt_list import AttemptList

        main = self._main
        if isinstance(main.focused, AttemptList):
            self.open_ladder()
            self._set_level(Level.EXTENDED)
        else:
            extended = main.ladder.options.level is Level.EXTENDED
            self._set_level(Level.NORMAL if extended else Level.EXTENDED)

    def action_pair(self) -> None:
        """Show every attempt of this client on this server in one ladder, or only the selected one again."""
        main = self._main
        if main.ladder.merged:
            self.show_alone()
            return
        flow = main.flow
        if flow is None:
            return
        near = sorted(main.session.flows, key=lambda one: abs(one.started - flow.started))
        with main.session.held():
            pair = list(islice((one for one in near if same_pair(one, flow)), MOST_TOGETHER + 1))
        if len(pair) < 2:
            main.notify("This client has tried this server only once in here.", markup=False)
            return
        self._show_together(pair)

    def open_ladder(self) -> None:
        """Go to the ladder: of the selected attempt, or of all marked ones if there are any."""
        from app.tui.attempt_list import AttemptList

        main = self._main
        attempts = main.query_one(AttemptList)
        marked = [one for one in main.session.flows if one.id in attempts.marked]
        if len(marked) > 1 or (marked and marked[0] is not attempts.selected):
            self._show_together(marked)
        else:
            main.ladder.focus()

    def show_alone(self) -> None:
        """One attempt in the ladder again: that of the selected step."""
        from app.tui.attempt_list import AttemptList

        main = self._main
        flow, selected = main.ladder.flow, main.ladder.selected
        attempts = main.query_one(AttemptList)
        self.together = frozenset()
        if flow is not None and flow in main.session.shown:
            attempts.cursor = main.session.shown.index(flow)
        main.show_flow()
        if selected is not None and selected[1] is not None:
            main.ladder.go_to(selected[1])

    def _show_together(self, flows: list[Flow]) -> None:
        from app.tui.attempt_list import AttemptList

        main = self._main
        selected = main.query_one(AttemptList).selected
        if selected is None:
            return
        if len(flows) > MOST_TOGETHER:
            main.notify(f"The ladder shows {MOST_TOGETHER} attempts, no more.", markup=False)
            flows = flows[:MOST_TOGETHER]
        main.follow = False
        self.together, self._together_from = frozenset(one.id for one in flows), selected.id
        main.show_flow()
        main.ladder.focus()

    def _set_level(self, level: Level) -> None:
        ladder = self._main.ladder
        ladder.set_options(replace(ladder.options, level=level))
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
            options.level.value,
            "" if options.time is TimeMode.RELATIVE else f"time: {options.time.value}",
            "" if options.colour is ColourMode.PHASE else f"colour: {options.colour.value}",
            "" if options.bursts is Bursts.FOLDED else f"bursts: {options.bursts.value}",
        ]
        if main.ladder.merged:
            shown = main.ladder.flows
            letters = {one.id: letter(number) for number, one in enumerate(sorted(shown, key=_start))}
            said += [counted(len(shown), "attempt"), f"{letters[flow.id]} is id {flow.shown_id[:8]}"]
        else:
            ends = f"{terms.address(flow.client)} → {terms.key(flow.key.server_public_key or flow.target)}"
            said += [ends, f"id {flow.shown_id[:8]}"]
        main.ladder.title = terms.joined(said)


def _start(flow: Flow) -> tuple[float, str]:
    return flow.started, flow.id
