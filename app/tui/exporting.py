"""Writing the selected attempt, or all marked ones, to files in the working directory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from app.attempt_files import attempt_content, write_attempt
from app.draw.spans import Span, Tone, cell
from app.terminal_text import safe_text
from app.tui.attempt_list import AttemptList
from app.tui.pages import ChoiceScreen
from app.tui.session import Session
from app.wording import counted
from capture.model import Flow

if TYPE_CHECKING:
    from app.tui.main_screen import MainScreen


class Choice(NamedTuple):
    """A form to write."""

    form: str
    ending: str
    use: str
    secrets: bool = False

    @property
    def name(self) -> str:
        """How it is called in the list."""
        return f"{self.form} + secrets" if self.secrets else self.form


FORMATS: Final = (
    Choice("text", "txt", "ladder and verdict, for a bug report"),
    Choice("mermaid", "mmd", "sequence diagram as Mermaid source"),
    Choice("svg", "svg", "sequence diagram as a picture"),
    Choice("json", "json", "the attempt as the report has it"),
    Choice("pcapng", "pcapng", "its packets, each with a comment"),
    Choice("json", "json", "and what decrypts it; for your eyes only", secrets=True),
    Choice("pcapng", "pcapng", "and what decrypts it; for your eyes only", secrets=True),
)


def choose_format(main: MainScreen) -> None:
    """Ask for a format and write."""
    attempts = main.query_one(AttemptList)
    flows = [flow for flow in main.session.flows if flow.id in attempts.marked]
    if not flows and main.flow is not None:
        flows = [main.flow]
    if not flows:
        return

    lines = [(cell(one.name, 18, Tone.STRONG), Span(one.use)) for one in FORMATS]

    def chosen(index: int | None) -> None:
        if index is not None:
            main.notify(write(flows, main.session, index, Path.cwd()), markup=False)

    main.app.push_screen(ChoiceScreen(f"export {counted(len(flows), 'attempt')} as", lines), chosen)


def write(flows: list[Flow], session: Session, index: int, folder: Path) -> str:
    """Write each attempt to a file of its own, never over another; say what was done.

    Args:
        flows: the attempts.
        session: where their datagrams are.
        index: into `FORMATS`.
        folder: where to write.
    """
    choice = FORMATS[index]
    written: list[str] = []
    for flow in flows:
        with session.held():
            content = attempt_content(choice.form, flow, session, secrets=choice.secrets)
        path = _free(folder, f"peephole-{flow.id}", choice.ending)
        try:
            write_attempt(path, content, secret=choice.secrets, new=True)
        except OSError as error:
            return safe_text(f"{path.name} can't be written: {error.strerror or error}")
        written.append(path.name)
    return safe_text(f"{choice.name}: wrote {', '.join(written)}")


def _free(folder: Path, stem: str, ending: str) -> Path:
    """A path that does not exist yet."""
    path = folder / f"{stem}.{ending}"
    number = 2
    while path.exists():
        path = folder / f"{stem}-{number}.{ending}"
        number += 1
    return path
