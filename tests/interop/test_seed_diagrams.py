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
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Literal

import pytest

from app.draw.shown_attempts import changed
from app.export_mermaid import mermaid_branches, mermaid_round
from app.export_text import text_export
from capture.flow import Flow
from capture.model import Role, Round, Step, StepKind, TokenState, VerdictCode
from capture.pcap_writer import write_pcap
from capture.story import Story
from capture.tap import Tap
from protocol.hashes import target_of
from tests.app.mermaid_structure import Diagram, conditions, parse_diagram, parse_diagrams, taken
from tests.interop.seed_world import CLIENT_HOST, PROXY_HOST, SERVER, SERVER_HOST, Plot, Side, act

pytestmark = pytest.mark.node

SEED = parse_diagrams((Path(__file__).parent.parent / "fixtures" / "seed" / "holepunch.md").read_text())
PROBE, PUNCH, CLIENT_PROBE, CLIENT_PUNCH, SERVER_PROBE, SERVER_PUNCH = SEED

Seen = Callable[[Plot], Story]
Other = Literal["ours", "real"]
OTHERS = ("ours", "real")
"""Whose the side without a proxy is."""


@cache
def acted(plot: Plot) -> Tap:
    """What the sockets of our nodes saw of a plot; it is acted out once."""
    return asyncio.run(act(plot))


def attempt(story: Story) -> Flow:
    """The attempt of a plot: the one on the server's key; another may be a link to the proxy."""
    (flow,) = [flow for flow in story.flows if flow.target == target_of(SERVER.public_key)]
    return flow


@pytest.fixture(params=["sockets", "file"])
def seen(request: pytest.FixtureRequest, tmp_path: Path) -> Seen:
    """A plot, from the sockets or from a capture file of what they saw."""

    def read(plot: Plot) -> Story:
        tap = acted(plot)
        if request.param == "file":
            path = tmp_path / "seen.pcap"
            write_pcap(path, tap.table, range(len(tap.table)))
            return Story.open([str(path)])
        story = Story(tap.table)
        story.update()
        return story

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
    assert drawn(attempt(seen(plot(None, other))), 0) == PROBE


@pytest.mark.parametrize("other", OTHERS)
def test_the_punch_round(seen: Seen, other: Other) -> None:
    flow = attempt(seen(plot(None, other)))
    assert drawn(flow, 1) == PUNCH
    assert (flow.server_token, flow.client_token) == (TokenState.VERIFIED, TokenState.VERIFIED)


@pytest.mark.parametrize("other", OTHERS)
def test_the_probe_round_of_a_proxied_client(seen: Seen, other: Other) -> None:
    assert drawn(attempt(seen(plot("client", other))), 0) == CLIENT_PROBE


@pytest.mark.parametrize("other", OTHERS)
def test_the_punch_round_of_a_proxied_client(seen: Seen, other: Other) -> None:
    begun, handed = attempt(seen(plot("client", other, after_probe=True))), attempt(seen(plot("client", other)))
    assert conditions(CLIENT_PUNCH) == ["opt unless proxied"]
    assert drawn(begun, 0) == PROBE, "the proxy has not taken over yet"
    assert drawn(begun, 1) == taken(CLIENT_PUNCH, otherwise=False)
    assert drawn(handed, 1) == taken(CLIENT_PUNCH, otherwise=True)
    assert parse_diagram(mermaid_branches(begun, handed, 1)) == CLIENT_PUNCH


@pytest.mark.parametrize("other", OTHERS)
def test_the_probe_round_of_a_proxied_server(seen: Seen, other: Other) -> None:
    assert drawn(attempt(seen(plot("server", other))), 0) == SERVER_PROBE


@pytest.mark.parametrize("other", OTHERS)
def test_the_punch_round_of_a_proxied_server(seen: Seen, other: Other) -> None:
    begun, handed = attempt(seen(plot("server", other, after_probe=True))), attempt(seen(plot("server", other)))
    assert conditions(SERVER_PUNCH) == ["alt unless proxied"]
    assert drawn(begun, 0) == PROBE, "the proxy has not taken over yet"
    assert drawn(begun, 1) == taken(SERVER_PUNCH, otherwise=False)
    assert drawn(handed, 1) == taken(SERVER_PUNCH, otherwise=True)
    assert parse_diagram(mermaid_branches(begun, handed, 1)) == SERVER_PUNCH


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("proxied", [None, "client", "server"])
def test_the_ladder_tells_the_life_of_the_tokens(seen: Seen, proxied: Side | None, other: Other) -> None:
    story = seen(plot(proxied, other))
    flow = attempt(story)
    client = "client's proxy" if proxied == "client" else "client"
    server = "server's proxy" if proxied == "server" else "server"
    ladder = text_export(flow, story.files, story, width=180)
    for note in (
        f"○ {server} issues a token for {PROXY_HOST if proxied == 'client' else CLIENT_HOST}",
        f"✎ {client} echoes the {server}'s token",
        f"○ {client} issues a token for {PROXY_HOST if proxied == 'server' else SERVER_HOST}",
        f"✓ {server} can now verify that the {client}'s address is correct",
        f"✎ {server} echoes the {client}'s token",
        f"✓ {client} can now verify that the {server}'s address is correct",
    ):
        assert note in ladder
    roles = [lane.role for lane in flow.lanes if lane.role in (Role.CLIENT, Role.PROXY, Role.SERVER)]
    order = {None: "CS", "client": "CPS", "server": "CSP"}[proxied]
    assert "".join(role.name[0] for role in roles) == order, "as in the seed, from left to right"
    assert (f"A proxy at {PROXY_HOST}" in flow.verdict.summary) is (proxied is not None)
    assert flow.verdict.code is VerdictCode.PUNCHED


@pytest.mark.parametrize("proxied", ["client", "server"])
def test_a_token_is_for_one_host(seen: Seen, proxied: Side) -> None:
    """What was issued for the client proves nothing of the proxy that takes over, and the same the other way round."""
    flow = attempt(seen(plot(proxied, "ours", after_probe=True)))
    state = flow.server_token if proxied == "client" else flow.client_token
    assert state is TokenState.ADDRESS_CHANGED
    assert flow.verdict.code is VerdictCode.PUNCHED
    (handed,) = [step for step in flow.steps if step.kind is StepKind.HANDOFF]
    assert handed.round == 1


def altered(flow: Flow) -> dict[str, Flow]:
    """A proxied attempt that is not as it was, each in one thing."""
    punch = [index for index, step in enumerate(flow.steps) if step.round == 1]
    handed = [step for step in flow.steps if step.kind is StepKind.HANDOFF] or [flow.steps[0]]
    one = flow.rounds[1]
    assert one.request is not None
    assert one.reply is not None
    proxy = next(lane for lane in flow.lanes if lane.role is Role.PROXY)

    def without(gone: Step) -> Flow:
        return changed(flow, steps=tuple(step for step in flow.steps if step is not gone))

    def with_round(new: Round) -> Flow:
        return changed(flow, rounds=(flow.rounds[0], new))

    last = flow.steps[punch[-1]]
    return {
        "no hand-off": without(handed[0]),
        "no reply": without(last),
        "another lane": changed(
            flow, steps=tuple(replace(step, to_lane=proxy.id) if step is last else step for step in flow.steps)
        ),
        "a solid reply": changed(
            flow, steps=tuple(replace(step, dashed=False) if step is last else step for step in flow.steps)
        ),
        "no echo": with_round(replace(one, reply=replace(one.reply, remote_token=None))),
        "no token": with_round(replace(one, request=replace(one.request, token=None))),
        "an error": with_round(replace(one, reply=replace(one.reply, error=1))),
        "another mode": changed(
            flow,
            messages=tuple(
                replace(message, mode="FROM_SECOND_RELAY") if message.mode == "FROM_RELAY" else message
                for message in flow.messages
            ),
        ),
        "no proxy": changed(
            flow, lanes=tuple(replace(lane, role=Role.BLIND_RELAY) if lane is proxy else lane for lane in flow.lanes)
        ),
    }


@pytest.mark.parametrize(
    "alteration",
    [
        "no hand-off",
        "no reply",
        "another lane",
        "a solid reply",
        "no echo",
        "no token",
        "an error",
        "another mode",
        "no proxy",
    ],
)
def test_the_comparison_notices(seen: Seen, alteration: str) -> None:
    begun = attempt(seen(plot("server", "ours", after_probe=True)))
    handed = attempt(seen(plot("server", "ours")))
    other = altered(begun)[alteration]
    assert drawn(other, 1) != taken(SERVER_PUNCH, otherwise=False)
    try:
        both = mermaid_branches(other, handed, 1)
    except ValueError:
        return
    assert parse_diagram(both) != SERVER_PUNCH


def test_two_attempts_that_are_no_pair_have_no_branches(seen: Seen) -> None:
    begun = attempt(seen(plot("server", "ours", after_probe=True)))
    handed = attempt(seen(plot("server", "ours")))
    for proxied in (None, "client"):
        with pytest.raises(ValueError, match="participants"):
            mermaid_branches(attempt(seen(plot(proxied, "ours"))), handed, 1)
    with pytest.raises(ValueError, match="participants"):
        mermaid_branches(begun, attempt(seen(plot(None, "ours"))), 1)
    with pytest.raises(ValueError, match="handed over before"):
        mermaid_branches(altered(handed)["no reply"], handed, 1)
    assert parse_diagram(mermaid_branches(begun, begun, 1)) == taken(SERVER_PUNCH, otherwise=False)
