"""Flows that were released say the same again; and what many attempts on one target cost to join."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from capture.flows import attaching
from capture.model import Flow
from capture.story import Keys, Story
from protocol.messages import Address
from protocol.secretbox import open_payload
from tests.capture.noise_ik import keys_of
from tests.capture.story_builder import Call
from tests.capture.wire_builder import Wire

LAB = Path(__file__).parent.parent / "fixtures" / "lab"
FIELDS = [field.name for field in fields(Flow)]


@pytest.mark.parametrize("name", ["at-once/client", "random-consistent/nat", "relayed/client", "peer-not-found/wan"])
def test_a_released_flow_says_the_same_again(name: str) -> None:
    story = Story.open([str(LAB / f"{name}.pcap.gz")])
    before = [[getattr(flow, field) for field in FIELDS] for flow in story.flows]
    messages = [flow.messages for flow in story.flows]
    for flow in story.flows:
        flow.release()
        flow.release()
    assert [[getattr(flow, field) for field in FIELDS] for flow in story.flows] == before
    assert all(flow.messages is not held for flow, held in zip(story.flows, messages, strict=True) if held)


def crowd(count: int) -> tuple[Wire, list[Call]]:
    """Clients of one server, each done before the next begins; nothing shows the server's key."""
    wire = Wire()
    calls = []
    for number in range(count):
        client = Address(f"81.2.{number // 200}.{number % 200 + 1}", 40001)
        calls.append(Call(wire, f"call {number}", client=client, punch_socket=Address(client.host, 50001)))
        calls[-1].handshake()
        calls[-1].probe()
        calls[-1].agree()
    return wire, calls


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crowd_on_one_target_costs_in_proportion(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[bytes] = []

    def counted(secret: bytes, sealed: bytes) -> bytes | None:
        opened.append(sealed)
        return open_payload(secret, sealed)

    monkeypatch.setattr(attaching, "open_payload", counted)
    wire, calls = crowd(60)
    keys = Keys((keys_of("the server").public_key,))
    if when == "before":
        story = Story(wire.table(), keys)
        # Each round is offered to the latest attempt before it, whose it is.
        assert len(opened) <= 2 * len(calls)
    else:
        story = Story(wire.table())
        assert not opened
        story.add_keys(keys)
    assert [flow.id for flow in story.flows] == [call.noise.id for call in calls]
    for flow, call in zip(story.flows, calls, strict=True):
        assert flow.key.holepunch_secret == call.noise.secret
        assert [one.punching for one in flow.rounds] == [False, True]
