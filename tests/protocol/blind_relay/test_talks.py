"""Two clients and a relay, ours, do what real ones did: the same bytes, events and counts."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.blind_relay.client import PairingFailed, RelayClosed, RelayOpened
from protocol.blind_relay.events import LinkOpened
from tests.protocol.blind_relay.relayed import Customer, Relayed
from tests.protocol.codecs import load

TALKS = load("blind_relay")["relay"]


class Replay(Relayed):
    """Every message is compared with the recorded one, and carried when it was carried there."""

    def __init__(self, steps: list[dict[str, Any]]) -> None:
        ids = [step["id"] for step in steps if step.get("event") == "pair"]
        super().__init__(ids=iter(ids))
        self.out: dict[str, list[bytes]] = {"a": [], "b": [], "relay a": [], "relay b": []}
        self.told: list[tuple[Any, ...]] = []
        opens = {step["from"]: bytes.fromhex(step["hex"]) for step in reversed(steps) if "from" in step}
        for number, name in enumerate("ab", 1):
            self.customers.append(Customer(name, number, self.server, opens[name][-32:]))
        self.collect()

    def collect(self) -> None:
        for customer in self.customers:
            while (message := customer.client.poll_message()) is not None:
                self.out[customer.name].append(message)
            while (message := customer.session.poll_message()) is not None:
                self.out["relay " + customer.name].append(message)
            while (event := customer.client.poll_event()) is not None:
                self.told.append(self.told_by_client(customer.name, event))
        while (event := self.server.poll_event()) is not None:
            if isinstance(event, LinkOpened):
                for number, leg in enumerate(event.link.legs):
                    name = next(each.name for each in self.customers if each.accepted is leg.session)
                    told = (f"relay {name}", "pair", bool(number), event.link.token.hex(), leg.stream_id, leg.remote_id)
                    self.told.append(told)

    @staticmethod
    def told_by_client(name: str, event: Any) -> tuple[Any, ...]:
        if isinstance(event, RelayOpened):
            return name, "opened"
        if isinstance(event, RelayClosed):
            return name, "closed"
        if isinstance(event, PairingFailed):
            return name, "failed", str(event.error), event.token.hex()
        return name, "paired", event.token.hex(), event.is_initiator, event.stream_id, event.remote_id

    def carry(self, sender: str, message: bytes) -> None:
        assert self.out[sender].pop(0) == message
        customer = next(each for each in self.customers if each.name == sender[-1])
        if sender == customer.name:
            customer.session.receive(message, self.now)
        else:
            customer.client.receive(message)
        self.collect()


def recorded(step: dict[str, Any]) -> tuple[Any, ...]:
    names = {
        "opened": (),
        "closed": (),
        "failed": ("error", "token"),
        "paired": ("token", "isInitiator", "id", "remoteId"),
        "pair": ("isInitiator", "token", "id", "remoteId"),
    }
    return step["side"], step["event"], *(step[name] for name in names[step["event"]])


@pytest.mark.parametrize("talk", TALKS.values(), ids=TALKS.keys())
def test_says_what_the_reference_says(talk: dict[str, Any]) -> None:
    steps = talk["steps"]
    replay = Replay(steps)
    for step in steps:
        if "from" in step:
            replay.carry(step["from"], bytes.fromhex(step["hex"]))
        elif "act" in step:
            client = next(each for each in replay.customers if each.name == step["side"]).client
            args = [bytes.fromhex(arg) if isinstance(arg, str) else arg for arg in step["args"]]
            getattr(client, step["act"])(*args)
            replay.collect()
    expected = [recorded(step) for step in steps if "event" in step]
    assert sorted(replay.told) == sorted(expected)
    assert not any(replay.out.values())
    counters = replay.server.counters
    assert talk["stats"] == {
        "accepted": 2,
        "requested": counters.pairings_requested,
        "matched": counters.pairings_matched,
        "cancelled": counters.pairings_cancelled,
    }
