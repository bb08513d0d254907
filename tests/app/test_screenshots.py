"""The pictures in screenshots/ are of this tree: `make screenshots` makes them again."""

from __future__ import annotations

import asyncio
import re
import xml.etree.ElementTree as ET
from itertools import zip_longest

import pytest

from tests.app.make_screenshots import EXPORTED, FOLDER, SHOTS, exported, screens
from tests.app.terminal_picture import digest, drawn_from

NAMES = (*SHOTS, EXPORTED)


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    return {**asyncio.run(screens()), EXPORTED: exported()}


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_shows_what_this_tree_draws(drawn: dict[str, str], name: str) -> None:
    kept = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    differing = [
        line for line, kept_line in zip_longest(drawn[name].splitlines(), kept.splitlines()) if line != kept_line
    ]
    assert not differing, f"screenshots/{name}.svg is stale, make screenshots; first: {differing[0]}"


@pytest.mark.parametrize("name", NAMES)
def test_a_png_is_drawn_from_its_svg(name: str) -> None:
    made_from = drawn_from(FOLDER / f"{name}.png")
    assert made_from == digest(FOLDER / f"{name}.svg"), f"screenshots/{name}.png is stale: make screenshots"


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_needs_nothing_from_elsewhere(name: str) -> None:
    kept = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    ET.fromstring(kept)
    assert set(re.findall(r"https?://[^\s\"')]+", kept)) == {"http://www.w3.org/2000/svg"}
    assert "@import" not in kept
    assert re.search(r"url\((?!#)", kept) is None


def test_there_are_no_pictures_of_something_else() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {
        f"{name}.{ending}" for name in NAMES for ending in ("svg", "png")
    }
