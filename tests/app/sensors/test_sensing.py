"""What a sensor publishes tells the story that it saw: no packet twice, no attempt missing, nothing that is secret."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from app.report_json import flow_document
from capture.envelopes import Kind
from capture.model import Flow
from capture.sensors.records import AttemptRecord, PacketsRecord, SecretsRecord, SensorRecord, State
from capture.story import Story
from tests.app.running import LAB
from tests.app.sensors.published import Published, rebuilt

SEEN = [
    "consistent-consistent/client",
    "consistent-consistent-fast-open/server",
    "random-consistent/nat",
    "punches-dropped/wan",
    "relayed/client",
    "upgraded/wan",
    "same-nat/nat",
    "server-killed/wan",
    "peer-not-found/client",
    "tour/wan",
]
OTHERS = sorted({f"{path.parent.name}/{path.name.partition('.')[0]}" for path in LAB.glob("*/*.pcap.gz")} - {*SEEN})


def capture(name: str) -> Path:
    return LAB / f"{name}.pcap.gz"


def told(flow: Flow) -> dict[str, object]:
    """What an attempt comes to, without names of files."""
    document = flow_document(flow, str)
    names = ("id", "started", "target", "server_public_key", "client", "server", "outcome", "path", "tokens", "probes")
    return {name: document[name] for name in names} | {
        "verdict": document["verdict"]["code"],
        "opened": document["key"]["opened"],
        "messages": [(one["frame"], one["command"], one["mode"]) for one in document["messages"]],
        "rounds": [(one["round"], one["request"], one["reply"]) for one in document["rounds"]],
        "firewall": document["firewall"],
    }


@pytest.mark.parametrize("name", [*SEEN, *(pytest.param(name, marks=pytest.mark.thorough) for name in OTHERS)])
def test_what_is_published_tells_the_same_attempts(name: str, tmp_path: Path) -> None:
    whole = Story.open([str(capture(name))])
    records = Published([capture(name)]).run()
    again = rebuilt(records, tmp_path)
    assert [told(flow) for flow in again.flows] == [told(flow) for flow in whole.flows]


@pytest.mark.parametrize("everything", [False, True])
def test_no_frame_is_published_twice_and_records_count_on(everything: bool) -> None:
    published = Published([capture("tour/wan")], everything=everything)
    records = published.run(parts=11)
    assert [one.head.sequence for one in records] == list(range(len(records)))
    assert len({one.head.run for one in records}) == 1
    frames = [one.number for record in records if isinstance(record, PacketsRecord) for one in record.frames]
    assert len(frames) == len(set(frames))
    if everything:
        kinds = published.table.kind
        ours = (kinds == Kind.REQUEST) | (kinds == Kind.RESPONSE) | (kinds == Kind.PUNCH)
        assert set(published.table.frame[ours].tolist()) <= set(frames)
    else:
        assert len(frames) < len(published.table)


def test_the_first_record_says_who_it_is_and_the_last_one_that_it_ends() -> None:
    first, *between, last = Published([capture("relayed/client")]).run()
    assert isinstance(first, SensorRecord)
    assert (first.state, first.name, first.redacted, first.secrets) == (State.STARTED, "inside", False, False)
    assert [len(source.interfaces) for source in first.sources] == [1]
    assert isinstance(last, SensorRecord)
    assert (last.state, last.reason) == (State.ENDED, "the capture has ended")
    assert last.sources[0].packets > 0
    assert not any(isinstance(one, SensorRecord) for one in between)


def test_every_minute_it_says_that_it_is_there() -> None:
    published = Published([capture("relayed/client")])
    published.teller.begin()
    for seconds in (30, 29, 1, 60, 59):
        published.watch.seconds += seconds
        published.teller.keep_alive()
    assert len(published.sent) == 3


def test_each_attempt_is_told_when_it_has_concluded_and_when_its_verdict_changes() -> None:
    published = Published([capture("tour/wan")])
    records = published.run(parts=40)
    by_id: dict[str, list[AttemptRecord]] = {}
    for record in records:
        if isinstance(record, AttemptRecord):
            by_id.setdefault(record.id, []).append(record)
    verdicts = {flow.id: str(flow.verdict.code) for flow in published.story.flows}
    assert {id_: told[-1].verdict for id_, told in by_id.items() if id_ in verdicts} == verdicts
    for several in by_id.values():
        assert all(a.verdict != b.verdict for a, b in pairwise(several))


def test_a_frame_says_what_it_is_to_programs_that_know_only_cbor() -> None:
    records = Published([capture("consistent-consistent/client")]).run()
    readings = [(one, one.reading) for record in records if isinstance(record, PacketsRecord) for one in record.frames]
    asked = [
        (frame, reading)
        for frame, reading in readings
        if reading and reading.get("message", {}).get("command") == "PEER_HOLEPUNCH" and reading["kind"] == "request"
    ]
    assert asked
    for frame, reading in asked:
        start = reading["payload_at"]
        payload = frame.frame[start : start + reading["payload_length"]]
        assert payload[0] == 3
        assert reading["message"]["tid"] == int.from_bytes(payload[2:4], "little")
        assert reading["message"]["value"]["mode"] in ("FROM_CLIENT", "FROM_SERVER", "FROM_RELAY", "REPLY")
        assert reading["attempts"]
        assert reading["opened"]["round"] >= 0
    answers = [reading for _, reading in readings if reading and reading["kind"] == "response"]
    assert {reading["message"]["command"] for reading in answers} >= {"PEER_HANDSHAKE", "PEER_HOLEPUNCH"}


def test_secrets_are_published_only_if_they_are_asked_for() -> None:
    name = "consistent-consistent/client"
    published = Published([capture(name)])
    records = published.run()
    secret, hash_ = published.story.flows[0].key.holepunch_secret, published.story.flows[0].key.handshake_hash
    assert secret is not None
    assert hash_ is not None
    for one in published.sent:
        for hidden in (secret, hash_):
            assert hidden not in one
            assert hidden.hex().encode() not in one
    assert not any(isinstance(one, SecretsRecord) for one in records)
    asked = Published([capture(name)], secrets=True)
    [lines] = [one for one in asked.run() if isinstance(one, SecretsRecord)]
    assert secret.hex().encode() in lines.keylog


def test_two_captures_are_two_sources(tmp_path: Path) -> None:
    paths = [capture(f"consistent-consistent/{vantage}") for vantage in ("client", "server")]
    records = Published(paths).run()
    assert {one.source for one in records if isinstance(one, PacketsRecord)} == {0, 1}
    again = rebuilt(records, tmp_path)
    [flow] = again.flows
    whole = Story.open([str(path) for path in paths])
    assert told(flow) == told(whole.flows[0])
