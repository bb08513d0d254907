"""Where live packets come from, in words."""

from __future__ import annotations

import pytest

from app.draw.linked import page_text
from app.draw.source import WAY_MEANING, source_lines
from app.way_words import way_of
from capture.losses import NOTHING_LOST, Losses
from capture.ways_of_capture import Way


def said(way: str, promiscuous: bool | None = False, losses: Losses | None = NOTHING_LOST, packets: int = 1) -> str:
    return page_text("", source_lines("eth\x1b0", way, promiscuous, losses, packets, 200))


@pytest.mark.parametrize("way", [way for way in Way if way is not Way.OPENER])
def test_every_way_is_explained(way: Way) -> None:
    assert f"by {way}: {WAY_MEANING[way]} · not promiscuous" in said(way)


def test_the_opener_says_what_made_it_root() -> None:
    assert "by opener, pkexec: from a helper that opened the interface as root" in said("opener, pkexec")


def test_losses_are_told_by_cause_and_names_safely() -> None:
    text = said(Way.RING, None, Losses(kernel=3, queue=1, unwritten=2), 5000)
    assert "Source: eth\\e0" in text
    assert "5 000 packets came, 6 are missing" in text
    assert "! 3 packets for which the kernel had no room" in text
    assert "! 1 packet for which there was no room while the inspector was busy" in text
    assert "promiscuous" not in text


class Feed:
    way = "packet ring"
    promiscuous = True


def test_the_short_form() -> None:
    assert way_of(Feed()) == "packet ring, promiscuous"
    assert way_of(object()) == ""
