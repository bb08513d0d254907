"""The law of the flow builder.

Law: for every capture, whatever bytes are in it,
- reading it raises nothing but CaptureError, and its story raises nothing at all;
- every field of every flow can be read; ids are 16 hex digits; times are finite and no duration is negative;
- every sighting names a row of the table by its true file and frame number;
- messages, steps and notes run between lanes of their flow, messages name rounds of it;
- a verdict has packets to prove it, and an outcome that goes with its code;
- nothing changes by looking again, and keys only ever add to what is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from math import isfinite

from capture.errors import CaptureError
from capture.model import Flow, Outcome, Path, Sighting, VerdictCode
from capture.opening import read_capture
from capture.story import Keys, Story
from tests.fuzz.flow_script import calls, play

_CONNECTED = {
    VerdictCode.PUNCHED: Path.PUNCHED,
    VerdictCode.OPEN_SERVER: Path.OPEN,
    VerdictCode.OPEN_CLIENT: Path.OPEN,
    VerdictCode.LAN: Path.LAN,
    VerdictCode.RELAYED: Path.RELAYED,
    VerdictCode.UPGRADED: Path.UPGRADED,
}


def check(data: bytes) -> None:
    """Hold one input to the law: its first byte says how the rest is read."""
    if not data:
        return
    how, rest = data[0], data[1:]
    if how % 4 == 0:
        check_capture(rest)
    else:
        snaplen = (262144, 162, 110, 70)[how // 4 % 4] if how % 4 == 1 else 262144
        check_capture(play(rest).pcap(snaplen=snaplen))


def check_capture(capture: bytes) -> Story | None:
    """The law for the bytes of one capture file."""
    try:
        table = read_capture(capture)
    except CaptureError:
        return None
    story = Story(table)
    check_story(story)
    assert story.update() == ()
    before = story.flows
    keys = Keys(secret_keys=tuple({call.key.seed: None for call in calls()}))
    changed = set(story.add_keys(keys))
    check_story(story)
    assert all(flow.id in changed or any(flow is old for old in before) for flow in story.flows)
    opened = {flow.key.holepunch_secret for flow in story.flows}
    assert all(old.key.holepunch_secret in opened for old in before if old.key.holepunch_secret is not None)
    assert story.add_keys(keys) == ()
    return story


def check_story(story: Story) -> None:
    """The law for what is made of a table."""
    assert all(isinstance(note, str) for note in story.notes)
    for flow in story.flows:
        check_flow(story, flow)


def check_flow(story: Story, flow: Flow) -> None:
    """The law for one flow."""
    for field in fields(Flow):
        assert getattr(flow, field.name) is not NotImplemented
    assert len(flow.id) == 16
    assert int(flow.id, 16) >= 0
    assert isfinite(flow.started)
    assert flow.duration >= 0
    assert isfinite(flow.duration)
    verdict = flow.verdict
    assert verdict.summary
    assert verdict.advice
    assert verdict.evidence
    assert (verdict.code in _CONNECTED) == (flow.outcome is Outcome.CONNECTED)
    assert flow.path == _CONNECTED.get(verdict.code)
    assert (verdict.code is VerdictCode.INCOMPLETE) == (flow.outcome is Outcome.UNKNOWN)
    for sighting in sightings(flow):
        assert 0 <= sighting.row < len(story.table)
        assert sighting.file == story.table.file[sighting.row]
        assert sighting.frame == story.table.frame[sighting.row]
    lanes = {lane.id for lane in flow.lanes}
    assert len(lanes) == len(flow.lanes)
    for message in flow.messages:
        assert {message.from_lane, message.to_lane} <= lanes
        assert message.round is None or 0 <= message.round < len(flow.rounds)
        assert message.payload is None or message.payload.plaintext is not None or message.payload.reason
    for step in flow.steps:
        assert {step.from_lane, step.to_lane, *(note.lane for note in step.notes)} <= lanes
        assert step.message is None or 0 <= step.message < len(flow.messages)
        assert step.count >= 1
        assert step.span >= 0


def sightings(flow: Flow) -> Iterator[Sighting]:
    """Every packet that a flow names."""
    yield from (proof.sighting for proof in flow.verdict.evidence)
    for message in flow.messages:
        yield from (message.sighting, *message.copies)
    for step in flow.steps:
        yield from step.members
        yield from (one for one in (step.sighting, step.first_hit) if one is not None)
    for nat in (flow.client_nat, flow.server_nat):
        yield from (sample.sighting for sample in nat.samples) if nat is not None else ()
    if flow.key.proof is not None:
        yield flow.key.proof
