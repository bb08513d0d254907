"""What waits at a relay and a client of ours in the simulated network is real, and the same with every run."""

from __future__ import annotations

from app.intercept_status import Version
from protocol.editing.fields import fields_of
from protocol.editing.values import Draft, Opener
from protocol.peer.steps import Act
from tests.app.simulated_hand import ByHand, relaying


def said(version: Version, opener: Opener) -> dict[str, str]:
    return {field.name: field.text for field in fields_of(Draft(version.data, version.to), opener)}


async def test_a_relay_holds_rounds_of_two_clients_and_one_was_sealed_anew() -> None:
    held = (await relaying()).interception.held()
    assert [one.edited for one in held] == [True, False, False, False]
    assert len({one.attempt for one in held}) == 2
    edited = held[0]
    was, now = said(edited.was, edited.opener), said(edited.now, edited.opener)
    assert (was["firewall"], now["firewall"]) == ("RANDOM", "CONSISTENT")
    assert {name for name in was if was[name] != now[name]} == {"firewall", "payload", "raw"}
    assert [said(one.was, one.opener)["mode"] for one in held] == ["FROM_SERVER", *["FROM_CLIENT"] * 3]
    assert all(one.countdowns for one in held)


async def test_a_relay_is_the_same_with_every_run() -> None:
    one, other = await relaying(), await relaying()
    assert [held.now for held in one.interception.held()] == [held.now for held in other.interception.held()]
    assert [held.age for held in one.interception.held()] == [held.age for held in other.interception.held()]
    assert [held.countdowns for held in one.interception.held()] == [
        held.countdowns for held in other.interception.held()
    ]


async def test_a_client_waits_with_its_punch_round_and_its_ladder_has_the_rounds_before() -> None:
    client = ByHand()
    (held,) = client.control.view.held
    assert (held.came.act, held.edited) == (Act.PUNCH, True)
    assert [timer.name for timer in held.timers] == ["the server stops waiting for a punch round"]
    (flow,) = client.story.flows
    assert flow.id == held.came.connection.attempt.hex()
    assert [round_.round for round_ in flow.rounds] == [0]
    assert client.status.connections
