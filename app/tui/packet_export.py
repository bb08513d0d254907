"""Writing packets of the list to a file in the working directory: those shown, the marked ones, or the selected one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from app.draw.spans import Span, Tone, cell
from app.packets_file import write_packets
from app.terminal_text import safe_text
from app.tui.pages import ChoiceScreen
from app.wording import counted

if TYPE_CHECKING:
    from app.tui.packet_screen import PacketScreen
    from app.tui.session import Session


class Offer(NamedTuple):
    """Some packets to write."""

    name: str
    rows: Sequence[int]
    masked: bool


def offers_of(screen: PacketScreen) -> list[Offer]:
    """What may be written; where addresses are masked on screen, masked first."""
    from capture.masking.story import MaskedStory

    packets = screen.packets
    total = packets.row_count
    shown: Sequence[int] = range(total) if screen.rows is None else screen.rows.tolist()
    some: list[tuple[str, Sequence[int]]] = []
    if packets.marked:
        some.append(("the marked packets", sorted(packets.marked)))
    some.append(("every packet" if screen.rows is None else "what passes the filter", shown))
    row = packets.row_of(packets.cursor)
    if row is not None:
        some.append(("the selected packet", (row,)))
    hidden = isinstance(screen.session.story, MaskedStory)
    return [Offer(name, rows, masked) for masked in (hidden, not hidden) for name, rows in some]


def choose_packets(screen: PacketScreen) -> None:
    """Ask which packets, and write them as pcapng."""
    offers = offers_of(screen)
    lines = [
        (
            cell(one.name, 24, Tone.STRONG),
            cell(counted(len(one.rows), "packet"), 18),
            Span("masked, fit to be shown to others" if one.masked else "as they are", Tone.DIM),
        )
        for one in offers
    ]

    def chosen(index: int | None) -> None:
        if index is not None:
            screen.run_worker(_written(screen, offers[index]), group="write")

    screen.app.push_screen(ChoiceScreen("write as pcapng", lines), chosen)


async def _written(screen: PacketScreen, offer: Offer) -> None:
    said = await asyncio.to_thread(write_offer, screen.session, offer, Path.cwd())
    screen.notify(said, markup=False, timeout=8)


def write_offer(session: Session, offer: Offer, folder: Path) -> str:
    """Write packets to a new file, never over another; say what was done. Runs in a thread.

    Args:
        session: where they are.
        offer: which.
        folder: where to write.
    """
    from app.attempt_files import masked_source
    from app.tui.notes_actions import original
    from capture.story import Story

    path = _free(folder)
    # What is read from files does not grow: the screen may go on painting.
    with session.held() if session.feed is not None else nullcontext():
        story, notes = session.story, session.notes
        if offer.masked and story is original(session) and isinstance(story, Story):
            story, notes = masked_source(story, notes)
        elif not offer.masked:
            story = original(session)
        try:
            written = write_packets(path, story, offer.rows, notes)
        except OSError as error:
            return safe_text(f"{path.name} can't be written: {error.strerror or error}")
    masked = ", masked," if offer.masked else ""
    return safe_text(f"{counted(written, 'packet')}{masked} written to {path.name}")


def _free(folder: Path) -> Path:
    """A path that does not exist yet."""
    number = 1
    while (path := folder / f"peephole-packets{f'-{number}' if number > 1 else ''}.pcapng").exists():
        number += 1
    return path
