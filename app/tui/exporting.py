"""What to write to a file: which attempts, in which form, masked or not, with secrets or not, and under which name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from app.attempt_files import WITH_SECRETS
from app.draw.spans import Line, Span, Tone, cell
from app.exports import ENDINGS, Scope, Wanted, forms_of, targets_of
from app.terminal_text import safe_text
from app.tui.bars import ActionBar
from app.tui.keys.action import Context
from app.tui.keys.registry import actions_in, bindings_of
from app.tui.line_view import LineView
from app.wording import counted

if TYPE_CHECKING:
    from app.exports import Subject

_LABEL: Final = 13
_ROWS: Final = ("what", "form", "addresses", "secrets", "file", "")
_WRITE: Final = len(_ROWS) - 1
_SAYS: Final = {
    "text": "ladder and verdict",
    "markdown": "report for a bug thread",
    "mermaid": "sequence diagram, source",
    "svg": "sequence diagram, picture",
    "json": "as the report has it",
    "pcapng": "packets with comments, for Wireshark and here",
    "recording": "packets, marks, comments, names, for here",
}


@dataclass(frozen=True, slots=True)
class Choices:
    """What may be chosen, and what is."""

    scopes: tuple[Scope, ...]
    subjects: dict[Scope, int]
    """How many of what each scope has."""
    wanted: Wanted

    def turned(self, row: str, by: int) -> Choices:
        """The next or previous choice of a row."""
        wanted = self.wanted
        if row == "what":
            at = self.scopes.index(wanted.scope)
            wanted = replace(wanted, scope=self.scopes[(at + by) % len(self.scopes)])
            if wanted.form not in forms_of(wanted.scope):
                wanted = replace(wanted, form=forms_of(wanted.scope)[0])
        elif row == "form":
            forms = forms_of(wanted.scope)
            wanted = replace(wanted, form=forms[(forms.index(wanted.form) + by) % len(forms)])
        elif row == "addresses":
            wanted = replace(wanted, redacted=not wanted.redacted)
        elif row == "secrets":
            wanted = replace(wanted, secrets=not wanted.secrets)
        if wanted.redacted or wanted.form not in WITH_SECRETS or wanted.scope is Scope.MESSAGE:
            wanted = replace(wanted, secrets=False)
        return replace(self, wanted=wanted.named())


class ExportView(LineView):
    """A row for each choice, and one that writes."""

    def __init__(self, choices: Callable[[], Choices]) -> None:
        super().__init__(id="exporting")
        self._choices = choices
        self.title = "write to a file"

    @property
    def row_count(self) -> int:
        """All rows."""
        return len(_ROWS)

    def draw_row(self, index: int) -> Line:
        """One choice."""
        sign = Span("▶ " if index == self.cursor else "  ", Tone.KEY)
        if index == _WRITE:
            return (sign, Span("write it", Tone.STRONG))
        name = _ROWS[index]
        return (sign, cell(name, _LABEL, Tone.DIM), *_value(self._choices(), name))


def _value(choices: Choices, name: str) -> Line:
    wanted = choices.wanted
    match name:
        case "what":
            count = choices.subjects[wanted.scope]
            return (Span(wanted.scope.value, Tone.STRONG), Span(f"  {counted(count, wanted.scope.noun)}", Tone.DIM))
        case "form":
            return (cell(wanted.form, 11, Tone.STRONG), Span(_SAYS[wanted.form], Tone.DIM))
        case "addresses":
            if wanted.redacted:
                return (Span("masked, and keys, ids, tokens: fit to be shown to others", Tone.GOOD),)
            return (Span("as they are", Tone.STRONG),)
        case "secrets":
            if wanted.secrets:
                return (Span("included: what decrypts it; for your eyes only (mode 0600)", Tone.WARN),)
            return (Span("left out", Tone.STRONG), Span(_why_no_secrets(wanted), Tone.DIM))
        case _:
            return (Span(safe_text(wanted.name), Tone.STRONG), Span("  Enter: another name", Tone.DIM))


def _why_no_secrets(wanted: Wanted) -> str:
    if wanted.redacted:
        return "  masked payloads open without"
    return "" if wanted.form in WITH_SECRETS and wanted.scope is not Scope.MESSAGE else "  this form has no place"


class ExportScreen(ModalScreen[str | None], inherit_bindings=False):
    """Asks what to write, writes it, and closes with what was done.

    Args:
        subject: what can be written.
        hidden: whether addresses are masked on screen: then they are in the file, if nothing else is chosen.
        folder: where files go.
    """

    BINDINGS: ClassVar = [*bindings_of(Context.EXPORTING), *bindings_of(Context.EVERYWHERE, namespace="app.")]

    DEFAULT_CSS = """
    ExportScreen { align: center middle; }
    ExportScreen > Vertical { width: 78; max-width: 100%; height: auto; background: $background;
        border: round $border; padding: 0 1; }
    """

    def __init__(self, subject: Subject, folder: Path, *, hidden: bool = False) -> None:
        super().__init__()
        self._subject = subject
        self._folder = folder
        counts = subject.counts()
        scopes = tuple(counts)
        wanted = Wanted(scopes[0], forms_of(scopes[0])[0], hidden, False, "", folder, subject.stem)
        self._choices = Choices(scopes, counts, wanted.named())
        self._writing = False

    @property
    def wanted(self) -> Wanted:
        """What is chosen."""
        return self._choices.wanted

    def compose(self) -> ComposeResult:
        """Choices, keys."""
        with Vertical():
            yield ExportView(lambda: self._choices)
            yield ActionBar()

    def on_mount(self) -> None:
        """Show what is proposed."""
        view = self._view
        view.styles.height = view.row_count + 1
        view.rows_changed()
        view.focus()
        self.query_one(ActionBar).show(actions_in(Context.EXPORTING))

    @property
    def _view(self) -> ExportView:
        return self.query_one(ExportView)

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        """A double click."""
        event.stop()
        self.action_turn(1)

    def action_turn(self, by: int) -> None:
        """The next or the previous choice of the row; the last row writes."""
        row = _ROWS[self._view.cursor]
        if self._view.cursor == _WRITE:
            self.action_write()
        elif row == "file":
            self._ask_name()
        else:
            before = self._choices
            self._choices = before.turned(row, by)
            if row == "secrets" and self._choices == before:
                self.notify(f"No secrets here:{_why_no_secrets(before.wanted)}.", markup=False)
            self._view.rows_changed()

    def action_write(self) -> None:
        """Write; ask before anything is written over."""
        from app.tui.pages import ChoiceScreen

        if self._writing:
            return
        there = [path.name for path in targets_of(self._subject, self.wanted) if path.exists() or path.is_symlink()]
        if not there:
            self._write(over=False)
            return

        def chosen(index: int | None) -> None:
            if index == 0:
                self._write(over=True)
            elif index == 1:
                self._ask_name()

        more = f" and {len(there) - 1} more are" if len(there) > 1 else " is"
        choices = ((Span("write over it", Tone.BAD),), (Span("another name"),), (Span("write nothing"),))
        self.app.push_screen(ChoiceScreen(safe_text(f"{there[0]}{more} there already"), choices), chosen)

    def action_close(self) -> None:
        """Write nothing."""
        self.dismiss(None)

    def _write(self, *, over: bool) -> None:
        self._writing = True
        self._view.title = "writing…"
        self._view.repaint()
        self.run_worker(self._written(over), exclusive=True)

    async def _written(self, over: bool) -> None:
        said = await asyncio.to_thread(self._subject.write, self.wanted, over=over)
        self.dismiss(said)

    def _ask_name(self) -> None:
        from app.tui.asking import AskScreen

        def answered(name: str | None) -> None:
            if name is not None:
                self._choices = replace(self._choices, wanted=replace(self.wanted, given=name).named())
                self._view.rows_changed()

        ending = ENDINGS[self.wanted.form]
        hint = f"A path; without folders it goes to {self._folder}. Empty: a name that is free, ending in .{ending}"
        self.app.push_screen(AskScreen("file name", self.wanted.name, hint), answered)


def lines_of(choices: Choices) -> Sequence[Line]:
    """The rows as they are drawn, without a cursor."""
    return [_value(choices, name) for name in _ROWS if name]
