"""Parts of a node that have to decide as the reference does, side by side with the reference's."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from protocol.constants import Command
from protocol.dht.bootstrap import PUBLIC_BOOTSTRAP, parse_bootstrap
from protocol.dht.health import NetworkHealth
from protocol.dht.nat_sampler import NatSampler
from protocol.dht.signing import announcement_signable, mutable_signable, signed_announce, signed_mutable, verifies
from protocol.keys import key_pair
from protocol.messages import Address, Announce, PeerRecord
from tests.interop.reference import answers_of

pytestmark = pytest.mark.node


def reference(stories: list[dict[str, Any]]) -> list[Any]:
    return answers_of("dht_parts.cjs", stories)


def random_samples(random: Random) -> list[tuple[str, int]]:
    """Runs of samples: mostly one address, sometimes another port, another host, or anything."""
    hosts, ports = random.choice([(1, 1), (1, 3), (2, 2), (3, 50)])
    return [
        (f"10.0.0.{random.randrange(hosts) if random.random() < 0.4 else 0}", 1 + random.randrange(ports))
        for _ in range(random.randrange(1, 60))
    ]


def test_nat_sampler() -> None:
    random = Random(1)
    stories = [random_samples(random) for _ in range(400)]
    theirs = reference([{"part": "nat", "samples": story} for story in stories])
    seen = set()
    for story, answers in zip(stories, theirs, strict=True):
        sampler = NatSampler()
        for (host, port), answer in zip(story, answers, strict=True):
            sampler.add(Address(host, port))
            assert [sampler.host, sampler.port] == answer
            seen.add((sampler.host is None, sampler.port == 0))
    assert seen == {(True, True), (False, True), (False, False)}


def test_the_public_network() -> None:
    (theirs,) = reference([{"part": "bootstrap"}])
    assert [parse_bootstrap(text) for text in theirs] == list(PUBLIC_BOOTSTRAP)


def random_totals(random: Random) -> list[tuple[int, int]]:
    responses = timeouts = 0
    totals = []
    mood = 0.5
    for _ in range(40):
        if random.random() < 0.2:
            mood = random.choice([0.0, 0.2, 0.5, 0.9, 1.0])
        for _ in range(random.choice([0, 3, 4, 10, 20])):
            if random.random() < mood:
                responses += 1
            else:
                timeouts += 1
        totals.append((responses, timeouts))
    return totals


def test_health_while_there_is_traffic() -> None:
    random = Random(2)
    stories = [random_totals(random) for _ in range(300)]
    theirs = reference([{"part": "health", "totals": story} for story in stories])
    seen = set()
    for story, answers in zip(stories, theirs, strict=True):
        health = NetworkHealth()
        ours = [str(health.update(*totals)) for totals in story]
        # Going offline and online again is decided alike. The reference takes an offline tick for a healthy one when it
        # leaves the window, so that after an outage its count of healthy ticks is off; then only this part is compared.
        assert [state == "offline" for state in ours] == [state == "offline" for state in answers]
        if "offline" not in answers and not _has_silent_tick(story):
            assert ours == answers
        seen |= set(ours)
    assert seen == {"online", "degraded", "offline"}


def _has_silent_tick(totals: list[tuple[int, int]]) -> bool:
    return any(
        after[0] == before[0] and after[1] > before[1] for before, after in zip([(0, 0), *totals], totals, strict=False)
    )


@pytest.mark.parametrize("refresh", [None, b"r" * 32])
@pytest.mark.parametrize("command", [Command.ANNOUNCE, Command.UNANNOUNCE])
def test_signatures_of_announcements(command: Command, refresh: bytes | None) -> None:
    pair, target, token, node = key_pair(b"k" * 32), b"t" * 32, b"o" * 32, b"n" * 32
    relays = (Address("10.1.2.3", 4567), Address("192.168.0.1", 1))
    announce = Announce(PeerRecord(pair.public_key, relays), refresh)
    story = {"part": "signature", "seed": pair.seed.hex(), "command": command.name, "peer": relays}
    story |= {"target": target.hex(), "token": token.hex(), "id": node.hex(), "refresh": refresh and refresh.hex()}
    (theirs,) = reference([story])
    assert signed_announce(command, pair, target, token, node, announce).signature == bytes.fromhex(theirs)
    signable = announcement_signable(command, target, token, node, announce)
    assert verifies(bytes.fromhex(theirs), signable, pair.public_key)
    assert not verifies(bytes.fromhex(theirs), signable[:-1] + b"\0", pair.public_key)


def test_signatures_of_values() -> None:
    pair = key_pair(b"k" * 32)
    cases = [(0, b"x"), (300, b"y" * 1000)]
    stories = [
        {"part": "signature", "seed": pair.seed.hex(), "command": "MUTABLE_PUT", "seq": seq, "value": value.hex()}
        for seq, value in cases
    ]
    for (seq, value), theirs in zip(cases, reference(stories), strict=True):
        assert signed_mutable(pair, seq, value).signature.hex() == theirs
        assert verifies(bytes.fromhex(theirs), mutable_signable(seq, value), pair.public_key)
