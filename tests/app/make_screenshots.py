"""Makes the pictures in screenshots/: python -m tests.app.make_screenshots [FOLDER].

They show the bundled capture, one with a proxy, and peers of ours in a simulated network. Each is the inspector, opened
and brought there by keys. Times are UTC, nothing moves. The SVGs depend on the pinned Textual alone and are compared by
a test; PNGs also on librsvg and fonts, so they are only known to be drawn from these SVGs.
"""

from __future__ import annotations

import asyncio
import datetime
import os
import sys
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple
from unittest import mock

from textual.pilot import Pilot

from app.export_svg import svg_export
from app.tui.app import PeepholeApp
from app.tui.hand.desk_screen import DeskScreen
from app.tui.hand.intercept_screen import InterceptScreen
from app.tui.main_screen import MainScreen
from app.tui.node_line import NodeLine
from app.tui.palette import DARK, LIGHT
from capture.story import Story
from tests.app.hand_node import SilentFeed, Still
from tests.app.running import SAMPLE
from tests.app.simulated_hand import HELD, ByHand, relaying
from tests.app.simulated_node import punching
from tests.app.terminal_picture import png_of, screen_svg
from tests.app.tui.stage import opened

FOLDER: Final = Path(__file__).parents[2] / "screenshots"
PROXIED: Final = Path(__file__).parents[1] / "fixtures" / "proxied" / "client-wan.pcap.gz"
NEVER: Final = 3600.0
"""Seconds between looks at a live source."""
EXPORTED: Final = "ladder"
EXPORTED_VERDICT: Final = "try-later"


class Of(Enum):
    """What a picture is of; the title of its window."""

    CAPTURE = "peephole tour.pcapng"
    PROXIED = "peephole client-wan.pcap.gz"
    PEER = "peephole connect KEY"
    """In a simulated network, 1.5 s after it began to punch."""
    RELAY = f"peephole node --intercept '{HELD}'"
    """In a simulated network, two clients meeting a server over it."""
    BY_HAND = "peephole connect KEY --by-hand"
    """In a simulated network, its punch round being held."""


class Shot(NamedTuple):
    """A screen and the way there."""

    size: tuple[int, int]
    theme: str
    keys: tuple[str, ...]
    of: Of = Of.CAPTURE


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
    "proxied": Shot((160, 50), DARK, ("3", "d"), Of.PROXIED),
    "live": Shot((120, 40), DARK, (), Of.PEER),
    "node": Shot((100, 32), DARK, ("O",), Of.PEER),
    "intercept": Shot((120, 40), DARK, ("I",), Of.RELAY),
    "intercept-edit": Shot((120, 40), LIGHT, ("I", "j", "e", *["down"] * 6, "right"), Of.RELAY),
    "by-hand": Shot((160, 45), DARK, (), Of.BY_HAND),
    "help": Shot((100, 48), DARK, ("enter", "question_mark")),
}


@cache
def captured(path: Path) -> Story:
    """The story of a capture, read once for all its pictures."""
    return Story.open([str(path)])


async def inspector(shot: Shot) -> PeepholeApp:
    """The inspector on what a picture is of; it looks at nothing by itself."""
    match shot.of:
        case Of.PEER:
            moment = punching(1.5)
            story, node = moment.story, Still(moment.status)
        case Of.RELAY:
            relay = await relaying()
            story, node = Story(relay.tap.table), Still(None, interception=relay.interception)
        case Of.BY_HAND:
            client = ByHand()
            story, node = client.story, Still(client.status, desk=client.control)
        case _:
            read = captured(SAMPLE if shot.of is Of.CAPTURE else PROXIED)
            return PeepholeApp(lambda _: read, theme=shot.theme, zone=datetime.UTC)
    feed = SilentFeed()
    return PeepholeApp(lambda _: story, feed=feed, theme=shot.theme, zone=datetime.UTC, tick=NEVER, node=node)


async def look(pilot: Pilot[int]) -> None:
    """Take in the packets, then the state of the node."""
    [main] = [screen for screen in pilot.app.screen_stack if isinstance(screen, MainScreen)]
    await main.look()
    await pilot.pause()
    main.query_one(NodeLine).look()
    await pilot.pause()
    for screen in pilot.app.screen_stack:
        if isinstance(screen, DeskScreen | InterceptScreen):
            screen.look()
    await pilot.pause()


async def screens() -> dict[str, str]:
    """SVG of every screen, by name; in colour, whatever the environment asks for."""
    with mock.patch.dict(os.environ):
        os.environ.pop("NO_COLOR", None)
        return await _screens()


async def _screens() -> dict[str, str]:
    return {name: await drawn(shot) for name, shot in SHOTS.items()}


async def drawn(shot: Shot) -> str:
    """SVG of a screen."""
    app = await inspector(shot)
    app.animation_level = "none"
    async with app.run_test(size=shot.size) as pilot:
        await opened(pilot)
        if shot.of not in (Of.CAPTURE, Of.PROXIED):
            await look(pilot)
        await pilot.press(*shot.keys)
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        return screen_svg(app, shot.of.value)


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
