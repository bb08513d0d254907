"""Above the lanes: titles told apart, and the host on which was captured."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.draw.lane_titles import HERE, lane_titles, lanes_here
from capture.model import Lane, Role
from capture.story import Story
from protocol.messages import Address
from tests.app.flows_by_hand import FAST_OPEN

LAB = Path(__file__).parents[2] / "fixtures" / "lab"


def lane(name: str, role: Role) -> Lane:
    return Lane(name, role, (Address("192.0.2.1", 1),))


def test_lanes_of_one_role_are_numbered() -> None:
    lanes = [lane("c", Role.CLIENT), lane("r1", Role.SERVER_RELAY), lane("r2", Role.SERVER_RELAY)]
    assert [forms[0] for forms in lane_titles(lanes)] == ["client", "server relay 1", "server relay 2"]
    assert [forms[-1] for forms in lane_titles(lanes)][1:] == ["s. relay 1", "s. relay 2"]


def test_the_host_captured_on_is_marked() -> None:
    titles = lane_titles([lane("c", Role.CLIENT), lane("s", Role.SERVER)], {"c"})
    assert [forms[0] for forms in titles] == [f"{HERE} client", "server"]


@pytest.mark.parametrize("scenario", ["consistent-consistent", "random-random", "punches-dropped"])
@pytest.mark.parametrize(("vantages", "here"), [(["client"], {"client"}), (["server"], {"server"}), (["wan"], set())])
def test_whose_packets_no_router_has_touched_is_captured_on(scenario: str, vantages: list[str], here: set[str]) -> None:
    folder = LAB / scenario
    (flow, *_) = Story.open([str(folder / f"{vantage}.pcap.gz") for vantage in vantages]).flows
    assert lanes_here(flow) == here


def test_both_hosts_where_captures_of_both_are_merged() -> None:
    paths = [str(LAB / "consistent-consistent" / f"{vantage}.pcap.gz") for vantage in ("client", "server")]
    (flow,) = Story.open(paths).flows
    assert lanes_here(flow) == {"client", "server"}


def test_nobody_is_marked_where_several_would_be() -> None:
    assert lanes_here(FAST_OPEN) == frozenset(), "punches of both have the TTL that they were sent with"
