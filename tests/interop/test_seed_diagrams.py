"""The six diagrams of the seed: acted out by live nodes, recognised, drawn, and compared with the seed's own text.

Each is acted out by our nodes alone, and again with a real peer as the side that has no proxy. Each is then drawn from
the nodes' own sockets, and from a file of what those saw. What is compared is structure: participants, arrows, modes,
fields of payloads, branches and notes.

Two of them hold both branches of ``unless proxied``. No attempt takes both, so they are acted out twice: by one whose
proxy takes over with the punch round, and by one whose proxy did so before. Each of the two is compared with its own
branch of the seed's diagram, and both together with all of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Literal

import pytest

from app.export_mermaid import mermaid_branches, mermaid_round
from capture.flow import Flow
from capture.model import TokenState
from capture.pcap_writer import write_pcap
from capture.story import Story
from capture.tap import Tap
from protocol.hashes import target_of
from tests.app.mermaid_structure import Diagram, conditions, parse_diagram, parse_diagrams, taken
from tests.interop.seed_world import SERVER, Plot, Side, act

pytestmark = pytest.mark.node

SEED = parse_diagrams((Path(__file__).parent.parent / "fixtures" / "seed" / "holepunch.md").read_text())
PROBE, PUNCH, CLIENT_PROBE, CLIENT_PUNCH, SERVER_PROBE, SERVER_PUNCH = SEED

Seen = Callable[[Plot], Flow]
Other = Literal["ours", "real"]
OTHERS = ("ours", "real")
"""Whose the side without a proxy is."""


@cache
def acted(plot: Plot) -> Tap:
    """What the sockets of our nodes saw of a plot; it is acted out once."""
    return asyncio.run(act(plot))


def attempt(story: Story) -> Flow:
    """The attempt on the server's key; another may be a link to the proxy."""
    (flow,) = [flow for flow in story.flows if flow.target == target_of(SERVER.public_key)]
    return flow


@pytest.fixture(params=["sockets", "file"])
def seen(request: pytest.FixtureRequest, tmp_path: Path) -> Seen:
    """The attempt of a plot, from the sockets or from a capture file of what they saw."""

    def read(plot: Plot) -> Flow:
        tap = acted(plot)
        if request.param == "file":
            path = tmp_path / "seen.pcap"
            write_pcap(path, tap.table, range(len(tap.table)))
            return attempt(Story.open([str(path)]))
        story = Story(tap.table)
        story.update()
        return attempt(story)

    return read


def plot(proxied: Side | None, other: Other, *, after_probe: bool = False) -> Plot:
    """A plot in which the side without a proxy is ours or real."""
    without: Side = "client" if proxied == "server" else "server"
    return Plot(proxied, after_probe, without if other == "real" else None)


def drawn(flow: Flow, index: int) -> Diagram:
    """A round as it is exported."""
    return parse_diagram(mermaid_round(flow, index))


@pytest.mark.parametrize("other", OTHERS)
def test_the_probe_round(seen: Seen, other: Other) -> None:
    assert drawn(seen(plot(None, other)), 0) == PROBE


@pytest.mark.parametrize("other", OTHERS)
def test_the_punch_round(seen: Seen, other: Other) -> None:
    flow = seen(plot(None, other))
    assert drawn(flow, 1) == PUNCH
    assert (flow.server_token, flow.client_token) == (TokenState.VERIFIED, TokenState.VERIFIED)


@pytest.mark.parametrize("other", OTHERS)
def test_the_probe_round_of_a_proxied_client(seen: Seen, other: Other) -> None:
    assert drawn(seen(plot("client", other)), 0) == CLIENT_PROBE


@pytest.mark.parametrize("other", OTHERS)
def test_the_punch_round_of_a_proxied_client(seen: Seen, other: Other) -> None:
    begun, handed = seen(plot("client", other, after_probe=True)), seen(plot("client", other))
    assert conditions(CLIENT_PUNCH) == ["opt unless proxied"]
    assert drawn(begun, 0) == PROBE, "the proxy has not taken over yet"
    assert drawn(begun, 1) == taken(CLIENT_PUNCH, otherwise=False)
    assert drawn(handed, 1) == taken(CLIENT_PUNCH, otherwise=True)
    assert parse_diagram(mermaid_branches(begun, handed, 1)) == CLIENT_PUNCH


@pytest.mark.parametrize("other", OTHERS)
def test_the_probe_round_of_a_proxied_server(seen: Seen, other: Other) -> None:
    assert drawn(seen(plot("server", other)), 0) == SERVER_PROBE


@pytest.mark.parametrize("other", OTHERS)
def test_the_punch_round_of_a_proxied_server(seen: Seen, other: Other) -> None:
    begun, handed = seen(plot("server", other, after_probe=True)), seen(plot("server", other))
    assert conditions(SERVER_PUNCH) == ["alt unless proxied"]
    assert drawn(begun, 0) == PROBE, "the proxy has not taken over yet"
    assert drawn(begun, 1) == taken(SERVER_PUNCH, otherwise=False)
    assert drawn(handed, 1) == taken(SERVER_PUNCH, otherwise=True)
    assert parse_diagram(mermaid_branches(begun, handed, 1)) == SERVER_PUNCH
