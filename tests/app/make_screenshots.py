"""Makes the pictures in screenshots/: python -m tests.app.make_screenshots [FOLDER].

They show the bundled capture, and a peer of ours in a simulated network. Each is the inspector, opened and brought
there by keys. Times are UTC, nothing moves. The SVGs depend on the pinned Textual alone and are compared by a test;
PNGs also on librsvg and fonts, so they are only known to be drawn from these SVGs.
"""

from __future__ import annotations

import asyncio
import datetime
import os
import sys
from pathlib import Path
from typing import Final, NamedTuple
from unittest import mock

from textual.pilot import Pilot

from app.export_svg import svg_export
from app.tui.app import PeepholeApp
from app.tui.node_line import NodeLine
from app.tui.palette import DARK, LIGHT
from capture.story import Story
from tests.app.hand_node import SilentFeed, Still
from tests.app.running import SAMPLE
from tests.app.simulated_node import punching
from tests.app.terminal_picture import png_of, screen_svg
from tests.app.tui.stage import main_of, opened

FOLDER: Final = Path(__file__).parents[2] / "screenshots"
NEVER: Final = 3600.0
"""Seconds between looks at a live source."""
EXPORTED: Final = "ladder"
EXPORTED_VERDICT: Final = "try-later"


class Shot(NamedTuple):
    """A screen and the way there."""

    size: tuple[int, int]
    theme: str
    keys: tuple[str, ...]
    live: bool = False
    """Of a peer of ours in a simulated network, 1.5 s after it began to punch; else of the capture."""


def attempt(number: int) -> tuple[str, ...]:
    """Keys to an attempt of the list, the first is 0."""
    return ("g", *("j" for _ in range(number)))


SHOTS: Final = {
    "main": Shot((120, 40), DARK, ("3",)),
    "main-light": Shot((120, 40), LIGHT, ("3",)),
    "small": Shot((80, 24), DARK, ()),
    "large": Shot((200, 60), DARK, (*attempt(5), "1")),
    "verdict": Shot((100, 32), DARK, (*attempt(6), "v")),
    "nat": Shot((120, 40), DARK, (*attempt(4), "b")),
    "rounds": Shot((120, 40), DARK, (*attempt(1), "R")),
    "packets": Shot((120, 40), DARK, (*attempt(4), "1", "P")),
    "hops": Shot((120, 40), DARK, (*attempt(5), "1", "equals_sign")),
    "candidates": Shot((120, 40), DARK, (*attempt(4), "C")),
    "tokens": Shot((120, 40), DARK, (*attempt(1), "K")),
    "statistics": Shot((120, 40), LIGHT, ("i",)),
    "problems": Shot((100, 32), DARK, ("E",)),
    "columns": Shot((100, 32), DARK, ("t",)),
    "settings": Shot((100, 40), DARK, ("o",)),
    "export": Shot((80, 24), DARK, ("f2",)),
    "filter": Shot((120, 40), DARK, ("slash", *"verdict == p")),
    "merged": Shot((120, 40), DARK, (*attempt(1), "M")),
    "live": Shot((120, 40), DARK, (), live=True),
    "node": Shot((100, 32), DARK, ("O",), live=True),
    "help": Shot((100, 48), DARK, ("enter", "question_mark")),
}


def alive(shot: Shot) -> PeepholeApp:
    """The inspector on a peer of ours that has begun to punch; it looks at nothing by itself."""
    moment = punching(1.5)
    node, feed = Still(moment.status), SilentFeed()
    return PeepholeApp(lambda _: moment.story, feed=feed, theme=shot.theme, zone=datetime.UTC, tick=NEVER, node=node)


async def look(pilot: Pilot[int]) -> None:
    """Take in the packets, then the state of the node."""
    main = main_of(pilot)
    await main.look()
    await pilot.pause()
    main.query_one(NodeLine).look()
    await pilot.pause()


async def screens() -> dict[str, str]:
    """SVG of every screen, by name; in colour, whatever the environment asks for."""
    with mock.patch.dict(os.environ):
        os.environ.pop("NO_COLOR", None)
        return await _screens()


async def _screens() -> dict[str, str]:
    story = Story.open([str(SAMPLE)])
    drawn = {}
    for name, shot in SHOTS.items():
        inspector = alive(shot) if shot.live else PeepholeApp(lambda _: story, theme=shot.theme, zone=datetime.UTC)
        inspector.animation_level = "none"
        async with inspector.run_test(size=shot.size) as pilot:
            await opened(pilot)
            if shot.live:
                await look(pilot)
            await pilot.press(*shot.keys)
            await pilot.app.workers.wait_for_complete()
            await pilot.pause()
            drawn[name] = screen_svg(inspector, "peephole connect KEY" if shot.live else "peephole tour.pcapng")
    return drawn


def exported() -> str:
    """The ladder of an attempt as `peephole export --format svg` writes it."""
    flows = Story.open([str(SAMPLE)]).flows
    return svg_export(next(flow for flow in flows if flow.verdict.code == EXPORTED_VERDICT), datetime.UTC)


def make(folder: Path) -> list[Path]:
    """Write all pictures; returns their paths.

    Raises:
        FileNotFoundError: rsvg-convert is not installed.
    """
    written = []
    for name, drawn in {**asyncio.run(screens()), EXPORTED: exported()}.items():
        svg, png = folder / f"{name}.svg", folder / f"{name}.png"
        svg.write_text(drawn, encoding="utf-8")
        png.write_bytes(png_of(svg))
        written += [svg, png]
    return written


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    target.mkdir(parents=True, exist_ok=True)
    for path in make(target):
        print(f"{path.stat().st_size:>9} {path}")
