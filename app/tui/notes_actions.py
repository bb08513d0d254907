"""What the keys do to marks, comments, names and the mask of the main screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from app import names
from app.draw.spans import Span, Tone, cell
from app.naming import use_names
from app.terminal_text import safe_text
from app.tui.attempt_list import AttemptList
from app.tui.ladder_view import LadderView
from capture.model import Flow, Sighting
from capture.notes import Notes, PacketId

if TYPE_CHECKING:
    from app.tui.main_screen import MainScreen
    from app.tui.session import Session
    from app.tui.story_view import StoryView
    from capture.masking.mask import Mask
    from capture.masking.masking import Masking
    from capture.masking.story import MaskedStory

MASKED_AT_ONCE: Final = 50_000
"""Packets up to which nobody notices how long it takes."""
_IN_LADDER = frozenset({"ladder", "fields", "bytes"})


class NotesActions:
    """Marks, comments, names, redaction."""

    mask: Mask | None = None
    """What stands for what once something was hidden: the same as long as the program runs."""
    hidden_at_first = False
    """Whether it is hidden before anything is shown, whatever the configuration says."""
    _behind: MaskedStory | None = None
    """The story as it is behind the mask."""
    _hiding = False
    """It is being worked out."""

    @property
    def _main(self) -> MainScreen:
        return cast("MainScreen", self)

    @property
    def hidden(self) -> bool:
        """Whether addresses and keys are masked."""
        from capture.masking.story import MaskedStory

        return isinstance(self._main.session.story, MaskedStory)

    def masking_now(self) -> Masking | None:
        """What stands for what, while something is hidden."""
        from capture.masking.story import MaskedStory

        story = self._main.session.story
        return story.masking if isinstance(story, MaskedStory) else None

    def begin_notes(self) -> None:
        """Take in what files and configuration say, before anything is shown."""
        from capture.said import notes_of

        main = self._main
        session = main.session
        files = session.table.files
        session.notes = session.notes.merged(notes_of(files))
        names.show(main.config.aliases_shown)
        for fault in use_names(main.config.aliases, files, names.chosen()):
            main.notify(f"alias left out: {fault}", severity="warning", markup=False)
        remarks = [safe_text(remark) for file in files if file.said is not None for remark in file.said.remarks]
        attempts = main.query_one(AttemptList)
        attempts.remark = lambda: "" if self.masking_now() is not None else " · ".join(remarks)
        attempts.session = session
        attempts.commented = lambda flow: bool(session.notes.on_attempt(flow.id))
        main.ladder.noted = lambda: session.notes
        if main.config.redact or self.hidden_at_first:
            self._hide()

    def on_ladder_view_marked(self, event: LadderView.Marked) -> None:
        """A mark on a step is one on its packet."""
        session = self._main.session
        if event.sighting is not None:
            self.take_notes(session.notes.with_mark(event.sighting, event.wanted))

    def take_notes(self, notes: Notes) -> None:
        """Hold on to what the user says; a recording that is being written gets it, too."""
        session = self._main.session
        session.notes = notes

    def action_comment(self) -> None:
        """Write a comment on the selected step's packet, or on the attempt."""
        from app.tui.asking import AskScreen

        main = self._main
        flow, sighting = main.flow, self._packet()
        if flow is None:
            return
        notes = main.session.notes
        on_packet = self._in_ladder and sighting is not None
        if self._in_ladder and sighting is None:
            main.notify("No packet was seen here: the comment goes to the attempt.", markup=False)
        before = notes.on(sighting) if on_packet else notes.on_attempt(flow.id)
        title = f"comment on packet #{sighting.frame}" if on_packet and sighting is not None else "comment on attempt"
        title = title if on_packet else f"{title} {flow.shown_id[:8]}"

        def answered(text: str | None) -> None:
            if text is None:
                return
            now = main.session.notes
            if on_packet and sighting is not None:
                self.take_notes(now.with_comment(sighting, text))
            else:
                self.take_notes(now.with_attempt_comment(flow.id, text))
            self.redraw()

        hint = "Recordings and pcapng exports keep it; an empty line takes it away."
        main.app.push_screen(AskScreen(title, before.replace("\n", " "), hint), answered)

    def action_names(self) -> None:
        """Show names in place of addresses and keys, or not."""
        main = self._main
        names.show(not names.shown())
        if not names.chosen():
            main.notify("No names yet: ctrl+n names an address or key, --alias and the settings do.", markup=False)
        else:
            main.notify(f"names {'on' if names.shown() else 'off'}", markup=False)
        self.redraw()

    def action_name(self) -> None:
        """Name an address or a key of the selected step or attempt."""
        from app.tui.pages import ChoiceScreen

        main = self._main
        if self.hidden:
            main.notify("Hidden addresses have no names: H shows the real ones.", markup=False)
            return
        offers = self._nameable()
        if not offers:
            return

        def chosen(index: int | None) -> None:
            if index is not None:
                self._ask_name(offers[index][1])

        lines = [(cell(what, 22, Tone.STRONG), Span(safe_text(_shortened(entry)))) for what, entry in offers]
        main.app.push_screen(ChoiceScreen("name which?", lines), chosen)

    def action_hide(self, then: Callable[[], None] = lambda: None) -> None:
        """Put others in place of all addresses and keys, or show the real ones again.

        Args:
            then: called when it is done: for a million packets that takes two seconds, in which all else works.
        """
        main = self._main
        if self.hidden:
            self._reveal()
            main.notify("Addresses and keys are the real ones again.", markup=False)
            then()
        elif main.session.feed is None and len(main.session.table) > MASKED_AT_ONCE:
            if not self._hiding:
                self._hiding = True
                main.run_worker(self._hide_soon(then), group="hide")
        else:
            self._hide_and_say()
            then()

    async def _hide_soon(self, then: Callable[[], None]) -> None:
        """Hide once what stands for what has been worked out."""
        self._main.notify("Masking addresses and keys …", timeout=2, markup=False)
        try:
            await asyncio.to_thread(self._masked().prepare)
        finally:
            self._hiding = False
        self._hide_and_say()
        then()

    def _hide_and_say(self) -> None:
        self._hide()
        said = "Addresses, keys and ids are masked, on screen and in exports; times and sizes are real."
        self._main.notify(said, markup=False)

    def redraw(self) -> None:
        """Draw everything anew."""
        main = self._main
        main.ladder.set_options(main.ladder.options)
        main.query_one(AttemptList).rows_changed()
        main.show_verdict(keep=True)
        main.title_ladder()
        main.show_message()
        main.show_status()

    @property
    def _in_ladder(self) -> bool:
        focused = self._main.focused
        return focused is not None and focused.id in _IN_LADDER

    def _packet(self) -> Sighting | None:
        selected = self._main.ladder.selected
        return None if selected is None else selected[1]

    def _hide(self) -> None:
        if not self.hidden:
            names.show(False)
            self._main.session.show_story(self._masked())
            self._show_other()

    def _masked(self) -> MaskedStory:
        """The story behind the mask; the same one each time."""
        from capture.masking.mask import Mask
        from capture.masking.story import MaskedStory

        story = original(self._main.session)
        if self._behind is None or self._behind.original is not story:
            self.mask = self.mask or Mask()
            self._behind = MaskedStory(story, self.mask, keep_ids=True)
        return self._behind

    def _reveal(self) -> None:
        session = self._main.session
        names.show(self._main.config.aliases_shown)
        session.show_story(original(session))
        self._show_other()

    def _show_other(self) -> None:
        main = self._main
        if main.is_mounted and main.ladder.is_mounted:
            main.show_flows()
            self.redraw()

    def _nameable(self) -> list[tuple[str, str]]:
        """What may be named, and what stands for it in the names."""
        main = self._main
        flow = main.flow
        if flow is None:
            return []
        found: list[tuple[str, str]] = []
        sighting = self._packet() if self._in_ladder else None
        if sighting is not None:
            source, destination = main.session.endpoints(sighting)
            found += [("sender", source.host), ("receiver", destination.host)]
        found += _of_attempt(flow)
        first = {entry: what for what, entry in reversed(found)}
        return [(what, entry) for what, entry in found if first.get(entry) == what]

    def _ask_name(self, entry: str) -> None:
        from app.tui.asking import AskScreen

        main = self._main
        before = names.chosen().entries.get(entry, "")

        def answered(name: str | None) -> None:
            if name is None:
                return
            try:
                names.use(names.chosen().with_name(entry, name))
            except names.AliasError as error:
                main.notify(str(error), severity="warning", markup=False)
                return
            names.show(True)
            main.list_settings.keep({"aliases": {entry: name.strip() or None}})
            main.session.pass_on_notes()
            self.redraw()

        hint = "It stands in the address's place wherever that is shown; a shows or hides names. Empty: no name."
        main.app.push_screen(AskScreen(f"name of {_shortened(entry)}", before, hint), answered)


def original(session: Session) -> StoryView:
    """The story of a session without a mask."""
    from capture.masking.story import MaskedStory

    return session.story.original if isinstance(session.story, MaskedStory) else session.story


def keep_notes(session: Session) -> None:
    """Give notes and names to the recording that is being written, if there is one."""
    session.pass_on_notes()


def take_marked_rows(session: Session, rows: tuple[int, ...]) -> None:
    """The marks of a packet list become those of the session."""
    table = session.table
    marked = frozenset(PacketId(int(table.file[row]), int(table.frame[row])) for row in rows)
    session.notes = replace(session.notes, packets=marked)


def marked_rows(session: Session) -> tuple[int, ...]:
    """Rows of the packets that are marked in the session."""
    table = session.table
    found: list[int] = []
    for packet in sorted(session.notes.packets):
        rows = np.flatnonzero((table.file == packet.file) & (table.frame == packet.frame))
        found += rows[:1].tolist()
    return tuple(found)


def _of_attempt(flow: Flow) -> list[tuple[str, str]]:
    ends = [("client", flow.client), ("server", flow.server)]
    ends += [(f"relay {number}", relay) for number, relay in enumerate(flow.relays, 1)]
    found = [(what, end.host) for what, end in ends if end is not None]
    found += [(f"{what} with port", str(end)) for what, end in ends[:2] if end is not None]
    key = flow.key.server_public_key
    found.append(("server's key", key.hex()) if key is not None else ("target", flow.target.hex()))
    if flow.key.client_public_key is not None:
        found.append(("client's key", flow.key.client_public_key.hex()))
    return found


def _shortened(entry: str) -> str:
    return f"{entry[:8]}…{entry[-4:]}" if len(entry) > 60 else entry
