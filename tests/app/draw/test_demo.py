"""What is said of the demo, at every width."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.draw.demo import demo_line, demo_page
from app.draw.spans import text_of, width_of
from tests.app.hand_demo import NETWORK, STATUS


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_the_line_fits_and_begins_with_what_this_is(width: int) -> None:
    line = demo_line(STATUS, width)
    assert width_of(line) <= width
    assert text_of(line).startswith(" demo  an internet in this process")


def test_a_line_of_80_cells_has_room_for_what_is_played() -> None:
    assert "now: a random" in text_of(demo_line(STATUS, 80))


def test_a_wide_line_says_it_all() -> None:
    said = text_of(demo_line(STATUS, 200))
    assert "2 DHT nodes, 1 NAT" in said
    assert "1 of 2 verdicts as staged" in said
    assert "now: a random NAT at the server; home routers, fast open" in said


def test_the_page_says_what_this_is_what_is_where_and_how_it_went() -> None:
    page = "\n".join(text_of(one.line) for one in demo_page(STATUS, 140))
    assert "Nothing leaves this machine" in page
    assert "peephole node --bootstrap 127.1.2.3:49737" in page
    assert "a port for each destination; 3 mappings, 3 ports, 12 turned away; inside: 192.168.1.7" in page
    assert "✓ abababab  both-nats-random" in page
    assert "✗ –         not in the capture    the server is gone, once more  wanted punched" in page
    assert "1 attempt settling" in page
    assert "1 234 lost on the way" in page


def test_the_page_of_a_demo_that_has_just_begun_says_so() -> None:
    network = replace(NETWORK, playing=(), nats=(), played=0, dropped=())
    page = "\n".join(
        text_of(one.line) for one in demo_page(replace(STATUS, network=network, judged=0, waiting=0, latest=()), 80)
    )
    assert "no attempt is over yet" in page
    assert "playing     nothing" in page
