"""What takes something out of the inspector: files and the clipboard."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, cast

from app.exit_status import CommandError
from app.reading import oddities
from app.tui.bars import Banner
from app.tui.keys.action import key_text
from capture.errors import CaptureError

if TYPE_CHECKING:
    from app.tui.main_screen import MainScreen
    from app.tui.story_view import StoryView


class SavingActions:
    """Exports and copies."""

    @property
    def _main(self) -> MainScreen:
        return cast("MainScreen", self)

    _said: tuple[str, ...] | None = None
    """What the banner says of what is live."""

    def tell_troubles(self) -> None:
        """Say in the banner what has ended, what can't be written, and what is wrong with sources, while it is so."""
        main = self._main
        session = main.session
        cut = [file.truncated for file in session.files if file.truncated]
        ended = ["; ".join((session.trouble, *cut))] if session.trouble else []
        odd = [] if ended or session.stopped else [*oddities(session), *session.remarks]
        if session.stopped:
            ended = [f"{'; '.join((session.stopped, *cut))} · {key_text('ctrl+r')} starts it again"]
        said = (*ended, *session.writing_troubles, *odd)
        if said != self._said:
            if said or self._said:
                main.query_one(Banner).show(said)
                main.share_out()
            self._said = said

    def action_start_again(self) -> None:
        """Have what captures for us started again, where it ended too early."""
        main = self._main
        start: Callable[[], None] | None = getattr(main.session.feed, "start_again", None)
        if start is None or not main.session.stopped:
            main.notify("Nothing has stopped that could be started again.", markup=False)
            return
        try:
            # It may ask for a password.
            with nullcontext() if main.app.is_headless else main.app.suspend():
                start()
        except (CaptureError, CommandError) as error:
            main.notify(str(error), severity="error", markup=False, timeout=8)

    def action_export(self) -> None:
        """Write attempts, or the selected packet, to files."""
        from app.exports import Scope, Subject
        from app.tui.exporting import ExportScreen
        from app.tui.notes_actions import original

        main = self._main
        session, story = main.session, original(main.session)
        if main.flow is None:
            main.notify("There is no attempt to write: packets are written from the packet list, P.", markup=False)
            return
        ids = {
            Scope.MARKED: [flow.id for flow in session.flows if flow.id in session.notes.attempts],
            Scope.ATTEMPT: [main.flow.id],
            Scope.SHOWN: [flow.id for flow in session.shown],
        }
        if main.together:
            # First: it is what is on screen.
            ids = {Scope.TOGETHER: [flow.id for flow in main.ladder_flows()], **ids}
        told = {flow.id: flow for flow in story.flows}
        flows = {scope: [told[one] for one in some if one in told] for scope, some in ids.items()}
        selected = main.ladder.selected
        packet = None if selected is None else selected[1]
        mask = main.mask if main.hidden else None
        subject = Subject(story, flows, session.notes, packet, self._packet_text, mask)

        def closed(said: str | None) -> None:
            if said is not None:
                main.notify(said, markup=False, timeout=8)

        main.app.push_screen(ExportScreen(subject, Path.cwd(), hidden=main.hidden), closed)

    def _packet_text(self, source: StoryView) -> str:
        """All of the selected packet as text."""
        from app.draw.message_text import message_text
        from app.tui.message_source import view_of
        from app.tui.packet_facts import PacketReader
        from app.tui.session import Session

        main = self._main
        selected, flow = main.ladder.selected, main.flow
        assert selected is not None
        assert selected[1] is not None
        session = Session(source)
        found = None if flow is None else next((one for one in session.flows if one.id == flow.id), None)
        return message_text(view_of(session, PacketReader(session), selected[1], found, selected[0]))

    def action_copy(self) -> None:
        """Copy a report on the attempt to the clipboard, as Markdown for a bug thread."""
        from app.report_markdown import markdown_report
        from app.tui.attempt_page import work_out
        from app.tui.clipboard import copied
        from app.versions import version

        main = self._main
        flow, session = main.flow, main.session
        if flow is None:
            return
        work_out(flow, session)
        comment = session.notes.on_attempt(flow.id)
        with session.held():
            report = markdown_report(
                flow, session.files, session, version=version(), notes=(comment,) if comment else ()
            )
        main.app.copy_to_clipboard(report)
        main.notify(copied("report"), markup=False, timeout=4)
