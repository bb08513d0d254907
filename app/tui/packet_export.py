"""Writing packets of the list to a file in the working directory: those shown, the marked ones, or the selected one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from app.draw.spans import Span, Tone, cell
from app.export_pcapng import packet_comments
from app.terminal_text import safe_text
from app.tui.pages import ChoiceScreen
from app.wording import counted
from capture.model import Sighting
from capture.pcapng_writer import write_pcapng

if TYPE_CHECKING:
    from app.tui.packet_screen import PacketScreen
    from app.tui.session import Session

COMMENTED = 20_000
"""Packets up to which each gets a comment that says what it is; beyond that it would take minutes."""


def choose_packets(screen: PacketScreen) -> None:
    """Ask which packets, and write them as pcapng."""
    packets = screen.packets
    total = packets.row_count
    shown: Iterable[int] = range(total) if screen.rows is None else screen.rows.tolist()
    offers: list[tuple[str, Iterable[int], int]] = []
    if packets.marked:
        offers.append(("the marked packets", sorted(packets.marked), len(packets.marked)))
    offers.append(("every packet shown" if screen.rows is None else "what passes the filter", shown, total))
    row = packets.row_of(packets.cursor)
    if row is not None:
        offers.append(("the selected packet", (row,), 1))
    lines = [(cell(name, 24, Tone.STRONG), Span(counted(count, "packet"))) for name, _, count in offers]

    def chosen(index: int | None) -> None:
        if index is not None:
            _, rows, count = offers[index]
            screen.notify(write_packets(screen.session, rows, count, Path.cwd()), markup=False)

    screen.app.push_screen(ChoiceScreen("write as pcapng", lines), chosen)


def write_packets(session: Session, rows: Iterable[int], count: int, folder: Path) -> str:
    """Write packets to a new file, never over another; say what was done.

    Args:
        session: where they are.
        rows: their rows in the packet table.
        count: how many they are.
        folder: where to write.
    """
    path = _free(folder)
    with session.held():
        comments = _comments(session, rows) if count <= COMMENTED else {}
        try:
            # Made anew, or not at all: nothing that was there is lost.
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            written = write_pcapng(path, session.table, rows, comments=comments)
        except OSError as error:
            return safe_text(f"{path.name} can't be written: {error.strerror or error}")
    return safe_text(f"{counted(written, 'packet')} written to {path.name}")


def _comments(session: Session, rows: Iterable[int]) -> dict[int, str]:
    """What the packets of attempts are, as an export of the attempt says it."""
    wanted = set(rows)
    comments: dict[int, str] = {}
    said: set[str] = set()
    for row in sorted(wanted):
        table = session.table
        flow = session.story.flow_of(Sighting(table.file.item(row), table.frame.item(row), row))
        if flow is not None and flow.id not in said:
            said.add(flow.id)
            comments.update({at: text for at, text in packet_comments(flow).items() if at in wanted})
    return comments


def _free(folder: Path) -> Path:
    """A path that does not exist yet."""
    number = 1
    while (path := folder / f"peephole-packets{f'-{number}' if number > 1 else ''}.pcapng").exists():
        number += 1
    return path
