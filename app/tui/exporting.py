"""Writing the selected attempt, or all marked ones, to files in the working directory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.draw.spans import Span, Tone, cell
from app.export_json import json_export
from app.export_mermaid import mermaid_attempt
from app.export_svg import svg_export
from app.export_text import text_export
from app.terminal_text import safe_text
from app.tui.attempt_list import AttemptList
from app.tui.pages import ChoiceScreen
from app.tui.session import Session
from app.wording import counted
from capture.model import Flow

if TYPE_CHECKING:
    from app.tui.main_screen import MainScreen

Write = Callable[[Flow, Session], str]

FORMATS: Final[tuple[tuple[str, str, str, Write], ...]] = (
    ("text", "txt", "ladder and verdict, for a bug report", lambda flow, s: text_export(flow, s.files, s)),
    ("mermaid", "mmd", "sequence diagram as Mermaid source", lambda flow, _: mermaid_attempt(flow)),
    ("svg", "svg", "sequence diagram as a picture", lambda flow, _: svg_export(flow)),
    ("json", "json", "the attempt as the report has it", lambda flow, s: json_export(flow, s.files)),
)
"""Name, file ending, what it is for, and what writes it."""


def choose_format(main: MainScreen) -> None:
    """Ask for a format and write."""
    attempts = main.query_one(AttemptList)
    flows = [flow for flow in main.session.flows if flow.id in attempts.marked]
    if not flows and main.flow is not None:
        flows = [main.flow]
    if not flows:
        return

    lines = [(cell(name, 10, Tone.STRONG), Span(use)) for name, _, use, _ in FORMATS]

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
    name, ending, _, give = FORMATS[index]
    written: list[str] = []
    for flow in flows:
        path = _free(folder, f"peephole-{flow.id}", ending)
        try:
            path.write_text(give(flow, session), encoding="utf-8")
        except OSError as error:
            return safe_text(f"{path.name} can't be written: {error.strerror or error}")
        written.append(path.name)
    return safe_text(f"{name}: wrote {', '.join(written)}")


def _free(folder: Path, stem: str, ending: str) -> Path:
    """A path that does not exist yet."""
    path = folder / f"{stem}.{ending}"
    number = 2
    while path.exists():
        path = folder / f"{stem}-{number}.{ending}"
        number += 1
    return path
