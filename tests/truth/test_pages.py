"""What the pages on an attempt say, against what the node processes logged of themselves."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from capture.candidate_list import Candidate, CandidateState
from capture.error_origin import AbortOrigin, error_origin
from capture.figures import figures_of
from capture.keylog import Label, Secret, format_secrets
from capture.model import Flow, TokenState
from capture.nat_history import SampleUse, nat_history
from capture.statistics import statistics_of
from capture.story import Keys, Story
from tests.truth.comparing import Truth, at_vantage, captures, load_truth

FIXTURES = Path(__file__).parent.parent / "fixtures" / "lab"
FOLDERS = sorted(path.parent for path in FIXTURES.glob("*/truth.json"))
SIDES = ("client", "server")
LOW_TTL = 5

OWN = [
    pytest.param(folder, vantage, side, id=f"{folder.name}-{vantage}-{side}")
    for folder, side in product(FOLDERS, SIDES)
    for vantage in (side, "merged")
    if captures(folder, vantage)
]
"""Every run from where one side's own packets are all seen."""


@cache
def opened(folder: Path, vantage: str) -> tuple[Truth, dict[str, Flow]]:
    story = Story.open(captures(folder, vantage))
    return load_truth(folder), {flow.id: flow for flow in story.flows}


def attempts(folder: Path, vantage: str, side: str) -> list[tuple[Truth, Flow]]:
    """Attempts whose side stands where the capture was taken."""
    truth, flows = opened(folder, vantage)
    return [
        (attempt, flows[attempt["id"]])
        for attempt in truth["attempts"]
        if attempt["id"] in flows and attempt.get(side) and at_vantage(truth, attempt, side)
    ]


def tried_by(flow: Flow, side: str) -> list[Candidate]:
    """The candidates that a side tries."""
    return [one for one in flow.candidates if one.of_server == (side == "client")]


@pytest.mark.parametrize(("folder", "vantage", "side"), OWN)
def test_candidates_have_every_punch_that_was_sent_and_every_one_that_arrived(
    folder: Path, vantage: str, side: str
) -> None:
    for attempt, flow in attempts(folder, vantage, side):
        probes = attempt[side]["probes"]
        found = tried_by(flow, side)
        assert sum(one.sent.low_ttl for one in found) == probes["low_ttl"], attempt["label"]
        assert sum(one.sent.normal for one in found) == probes["normal"], attempt["label"]
        assert sum(one.received.arrived or 0 for one in found) == probes["received"], attempt["label"]


@pytest.mark.parametrize(("folder", "vantage", "side"), OWN)
def test_each_punch_is_at_the_address_that_it_was_aimed_at(folder: Path, vantage: str, side: str) -> None:
    for attempt, flow in attempts(folder, vantage, side):
        aimed: Counter[tuple[str, int, bool]] = Counter()
        by_address = {(one.address.host, one.address.port): one for one in tried_by(flow, side)}
        for probe in attempt[side]["probes"].get("each", ()):
            host, _, port = probe["to"].rpartition(":")
            # Random ports of a host that states none are listed as one.
            at = int(port) if (host, int(port)) in by_address else 0
            aimed[host, at, probe["ttl"] == LOW_TTL] += 1
        for (host, port, low), count in aimed.items():
            sent = by_address[host, port].sent
            assert (sent.low_ttl if low else sent.normal) == count, (attempt["label"], host, port)


@pytest.mark.parametrize(("folder", "vantage", "side"), OWN)
def test_a_host_is_verified_where_the_puncher_says_so(folder: Path, vantage: str, side: str) -> None:
    for attempt, flow in attempts(folder, vantage, side):
        known = [punch["addresses"] for punch in attempt[side]["punches"] if punch["addresses"]]
        for address in known[-1] if known else ():
            same = [one for one in tried_by(flow, side) if one.address.host == address["host"]]
            assert any(one.verified is not None for one in same) == address["verified"], attempt["label"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_pair_that_became_the_path_is_marked(folder: Path) -> None:
    truth, flows = opened(folder, "wan")
    for attempt in truth["attempts"]:
        flow = flows.get(attempt["id"])
        if flow is None or attempt["path"] == "lan":
            continue  # what runs inside one network is not seen from outside
        pair = {one.of_server for one in flow.candidates if one.state is CandidateState.NOMINATED}
        direct = attempt["path"] in ("punched", "open", "upgraded")
        assert pair == ({True, False} if direct else set()), attempt["label"]


@pytest.mark.parametrize("vantage", ["client", "merged"])
def test_a_local_ping_is_a_candidate_of_its_own(vantage: str) -> None:
    _, flows = opened(FIXTURES / "same-nat", vantage)
    (flow,) = flows.values()
    pinged = [one for one in flow.candidates if one.sent.pings]
    assert [(one.state, one.sent.arrived) for one in pinged] == [(CandidateState.NOMINATED, 1)]


def test_a_host_that_no_token_proved_is_a_warning_where_it_is_punched() -> None:
    warned = [
        (folder.name, attempt["label"], one.unproven)
        for folder in FOLDERS
        for truth, flows in [opened(folder, "wan")]
        for attempt in truth["attempts"]
        for one in (flows[attempt["id"]].candidates if attempt["id"] in flows else ())
        if one.unproven
    ]
    assert warned == [], "the reference punches unproven hosts only where its rules allow"


@pytest.mark.parametrize(("folder", "vantage", "side"), OWN)
def test_each_sample_leads_to_the_class_that_the_node_had(folder: Path, vantage: str, side: str) -> None:
    for attempt, flow in attempts(folder, vantage, side):
        history = nat_history(flow, client=side == "client")
        by_port: dict[int, list[dict[str, Any]]] = {}
        for sample in attempt[side]["samples"]:
            by_port.setdefault(sample["from_port"], []).append(sample)
        for socket in () if history is None else history.sockets:
            logged = by_port.get(socket.socket.port, [])
            counted = [one for one in socket.samples if one.use is SampleUse.COUNTED]
            if not logged:
                continue  # a socket that is no puncher's, as a server's refusals leave
            ours = [(str(one.sample.seen_as), str(one.sample.seen_by), one.firewall.name) for one in counted]
            theirs = [(one["address"], one["by"], one["firewall"]) for one in logged]
            assert ours == theirs[: len(ours)], attempt["label"]
            # A sample on the wire when the class was told may have been taken just after.
            assert len(ours) >= sum(not one["frozen"] for one in logged), attempt["label"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_error_and_what_it_masked_are_those_of_the_client(folder: Path) -> None:
    for attempt, flow in attempts(folder, "client", "client"):
        error = error_origin(flow)
        if error is None or attempt["client_error"] is None:
            continue
        assert error.raised == attempt["client_error"], attempt["label"]
        made = [one["code"] for one in attempt["errors_made"]]
        if error.masked == "REQUEST_TIMEOUT":
            assert any(one["code"] == "REQUEST_TIMEOUT" for one in attempt["unanswered"]), attempt["label"]
        elif made:
            assert (error.masked or error.raised) == made[0], attempt["label"]


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("client-rejects-holepunch", AbortOrigin.VETO),
        ("random-limit", AbortOrigin.RANDOM_LIMIT),
        ("punches-dropped", AbortOrigin.PUNCHER_GONE),
        ("random-random", AbortOrigin.PUNCHER_GONE),
    ],
)
def test_which_of_the_origins_it_was(name: str, origin: AbortOrigin) -> None:
    found = [error_origin(flow) for _, flow in attempts(FIXTURES / name, "client", "client")]
    assert origin in [error.origin for error in found if error is not None]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_what_relays_were_asked_is_what_the_client_sent(folder: Path) -> None:
    names = {0: "PEER_HANDSHAKE", 1: "PEER_HOLEPUNCH"}
    for attempt, flow in attempts(folder, "client", "client"):
        sends: Counter[tuple[str, str, int]] = Counter()
        for request in attempt["requests"]:
            if request["command"] in names:
                name = (request["to"], names[request["command"]], request["tid"])
                sends[name] = max(sends[name], request["times"])
        assert flow.course is not None
        ours = sorted((str(one.relay), one.command, one.sends) for one in flow.course.asked)
        assert ours == sorted((relay, command, times) for (relay, command, _), times in sends.items())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_tokens_are_recomputed_with_the_secrets_of_a_key_log(folder: Path, tmp_path: Path) -> None:
    truth = load_truth(folder)
    labels = {"client": Label.CLIENT_TOKEN_SECRET, "server": Label.SERVER_TOKEN_SECRET}
    secrets = [
        Secret(label, bytes.fromhex(attempt["id"]), bytes.fromhex(attempt[side]["token_secret"]))
        for attempt in truth["attempts"]
        for side, label in labels.items()
        if attempt["id"] and attempt.get(side) and attempt[side]["token_secret"]
    ]
    log = tmp_path / "keys.log"
    log.write_text(format_secrets(secrets))
    known = {(secret.attempt.hex(), secret.label) for secret in secrets}
    plain = {flow.id: flow for flow in Story.open(captures(folder, "wan")).flows}
    for flow in Story.open(captures(folder, "wan"), Keys(keylogs=(str(log),))).flows:
        for event, before in zip(flow.token_events, plain[flow.id].token_events, strict=True):
            label = labels["server" if event.by_server else "client"]
            possible = (flow.id, label) in known and event.address is not None
            assert event.recomputed is (True if possible else None)
            assert before.recomputed is None


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_token_is_where_the_nodes_put_it(folder: Path) -> None:
    truth, flows = opened(folder, "wan")
    for attempt in truth["attempts"]:
        flow = flows.get(attempt["id"])
        if flow is None:
            continue
        bodies = {
            message.payload.sealed.hex() for message in flow.messages if message.payload and message.round is not None
        }
        sent = [one for one in attempt["payloads"] if one["act"] == "sent" and one["wire"] in bodies]
        issued = {(one["side"], one["payload"]["token"]) for one in sent if one["payload"]["token"]}
        echoed = {(one["side"], one["payload"]["remote_token"]) for one in sent if one["payload"]["remote_token"]}
        side = {True: "server", False: "client"}
        events = flow.token_events
        assert {(side[one.by_server], one.token.hex()) for one in events if not one.echo} == issued
        assert {(side[not one.by_server], one.token.hex()) for one in events if one.echo} == echoed
        for one in events:
            if one.echo and one.state is TokenState.VERIFIED:
                assert one.age is not None
                assert one.age > 0


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_relays_of_a_server_are_those_that_it_announced_itself_on(folder: Path) -> None:
    truth, flows = opened(folder, "wan")
    servers = {key["public_key"]: key for host in truth["hosts"] for key in host["ready"].get("keys", ())}
    for flow in flows.values():
        key = flow.key.server_public_key
        if key is None or key.hex() not in servers or not servers[key.hex()].get("relays"):
            continue
        own = {f"{one['relay_address']['host']}:{one['relay_address']['port']}" for one in servers[key.hex()]["relays"]}
        assert {str(relay) for relay in flow.announced_relays} <= own | set(truth["relays"])
        answered = {str(relay) for relay in flow.announced_relays}
        assert not answered or answered & own


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_statistics_count_what_happened(folder: Path) -> None:
    truth, flows = opened(folder, "wan")
    seen = [attempt for attempt in truth["attempts"] if attempt["id"] in flows]
    statistics = statistics_of(figures_of(flows[attempt["id"]]) for attempt in seen)
    assert statistics.attempts == len(seen)
    outcomes = {str(outcome): count for outcome, count in statistics.outcomes}
    connected = sum(attempt["outcome"] == "connected" for attempt in seen)
    assert outcomes.get("connected", 0) == connected
    assert sum(one.connected for one in statistics.pairs) == connected
    assert sum(one.attempts for one in statistics.pairs) == len(seen)
    assert sum(one.attempts for one in statistics.periods) == len(seen)
    requests = sum(len(flows[attempt["id"]].course.asked) for attempt in seen)  # type: ignore[union-attr]
    assert sum(one.requests for one in statistics.relays) == requests
    for stage in statistics.stages:
        assert stage.ended <= stage.begun <= len(seen)
        if stage.spread is not None:
            assert 0 < stage.spread.p50 <= stage.spread.p90 <= stage.spread.p99 <= stage.spread.longest
            assert sum(stage.spread.bins) == stage.ended
