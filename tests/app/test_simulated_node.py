"""What a peer's own packets say of its attempts, with simulated NATs: live, and saved and read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.draw.pending import timers_of
from capture.keylog import KeyLog, format_secrets
from capture.model import Outcome, StepKind, VerdictCode
from capture.pcapng_writer import write_pcapng
from capture.story import Story
from protocol.constants import LOW_TTL
from protocol.peer.events import Stage
from tests.app.simulated_node import CONSISTENT, PAIR, RANDOM, Moment, punching

LONG = 60.0
KINDS = {
    "consistent": (CONSISTENT, CONSISTENT, VerdictCode.PUNCHED),
    "random server": (CONSISTENT, RANDOM, VerdictCode.PUNCHED),
    "random client": (RANDOM, CONSISTENT, VerdictCode.PUNCHED),
    "both random": (RANDOM, RANDOM, VerdictCode.BOTH_NATS_RANDOM),
}


@pytest.fixture(scope="module", params=KINDS)
def decided(request: pytest.FixtureRequest) -> tuple[Moment, VerdictCode]:
    client, server, verdict = KINDS[request.param]
    return punching(LONG, client, server), verdict


def test_its_own_packets_tell_how_it_ended(decided: tuple[Moment, VerdictCode]) -> None:
    moment, verdict = decided
    (flow,) = moment.story.flows
    assert flow.verdict.code is verdict
    assert (flow.outcome is Outcome.CONNECTED) == (moment.connection.stage is Stage.DIRECT)
    assert flow.id == moment.connection.attempt.hex()
    assert flow.key.server_public_key == PAIR.public_key
    assert flow.key.holepunch_secret is not None, "its own keys open its own attempt"
    assert all(round_.request is not None for round_ in flow.rounds)


def test_saved_and_read_again_it_is_the_same(decided: tuple[Moment, VerdictCode], tmp_path: Path) -> None:
    moment, _ = decided
    table = moment.story.table
    log = KeyLog.parse(b"".join(table.files[0].secrets))
    path = tmp_path / "node.pcapng"
    write_pcapng(path, table, range(len(table)), secrets=format_secrets(log.secrets()).encode("ascii"))
    again = Story.open([str(path)])
    (live,), (read,) = moment.story.flows, again.flows
    for part in ("id", "verdict", "outcome", "rounds", "messages", "steps", "lanes", "client_nat", "server_nat"):
        assert getattr(read, part) == getattr(live, part), part


def test_an_attempt_that_goes_on_has_countdowns_of_its_own() -> None:
    moment = punching(1.5)
    (flow,) = moment.story.flows
    assert moment.connection.stage is Stage.PUNCHING
    (timer,) = timers_of(flow, moment.status.timers)
    assert timer.what == "next punch or end of the last round"
    assert 0 <= timer.due <= 1
    assert moment.status.connections[0].attempt.hex() == flow.id
    punches = [step for step in flow.steps if step.kind is StepKind.PUNCH]
    assert sum(step.count for step in punches) > 20


def test_a_request_that_waits_is_one_of_its_countdowns() -> None:
    moment = punching(0.0)
    (flow,) = moment.story.flows
    found = timers_of(flow, moment.status.timers)
    assert [timer.what for timer in found] == ["PEER_HOLEPUNCH is sent again (2 of 4)"]
    assert len(moment.status.timers) > len(found), "those of others are not among them"


def test_openers_have_their_low_ttl() -> None:
    moment = punching(LONG, CONSISTENT, CONSISTENT)
    (flow,) = moment.story.flows
    openers = [step for step in flow.steps if step.kind is StepKind.OPENER]
    assert [step.ttl for step in openers] == [LOW_TTL] * len(openers)
    assert openers
