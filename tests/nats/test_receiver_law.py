"""Law: whatever is in a stream, in whatever order, it becomes rows and counts, and never an exception."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from capture.retention import Retention
from capture.sensors.bus import Bus
from capture.sensors.reading import table_of
from capture.sensors.receiving import Receiver
from capture.sensors.records import (
    AttemptRecord,
    PacketsRecord,
    Record,
    SecretsRecord,
    SensorFrame,
    SensorRecord,
    Source,
    SourceInterface,
    State,
    encode_record,
)
from capture.sensors.source import SensorSource
from capture.sensors.stream_reader import Delivered, Since
from capture.sensors.vantage import Vantage
from capture.story import Story
from tests.nats.publishing import frames_of, head, message_of

REAL = frames_of(Path(__file__).parent.parent / "fixtures" / "lab" / "handshake-refused" / "client.pcap.gz")[0][:200]
SENSORS = ("a", "b")
RUNS = ("0" * 16, "1" * 16)
LINKTYPES = (0, 1, 12, 113, 228, 276, 105, 65535)

some_text = st.text(max_size=8)
interfaces = st.lists(
    st.builds(SourceInterface, st.sampled_from(LINKTYPES), some_text, st.integers(0, 99), some_text), max_size=3
).map(tuple)
losses = st.dictionaries(st.sampled_from(("dropped", "let_go", "too_large", "odd")), st.integers(0, 2**60), max_size=3)
sources = st.lists(
    st.builds(
        Source,
        some_text,
        some_text,
        interfaces,
        st.integers(0, 2**60),
        losses,
        st.none() | some_text,
        st.lists(some_text, max_size=2).map(tuple),
    ),
    max_size=3,
).map(tuple)
heads = st.builds(head, st.sampled_from(SENSORS), st.integers(0, 12), st.sampled_from(RUNS), st.integers(0, 2**63 - 1))


@st.composite
def frames(draw: st.DrawFn) -> SensorFrame:
    data = draw(st.sampled_from(REAL).map(lambda frame: frame.frame) | st.binary(max_size=80))
    cut = data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data
    return SensorFrame(
        draw(st.integers(1, 2**32 - 1) | st.integers(1, 9)),
        draw(st.integers(0, 2**63 - 1)),
        draw(st.integers(0, 4)),
        draw(st.integers(len(cut), 2**32 - 1)),
        cut,
        draw(st.integers(0, 31)),
    )


records = st.one_of(
    st.builds(
        SensorRecord,
        heads,
        st.sampled_from(State),
        some_text,
        some_text,
        sources,
        st.booleans(),
        st.booleans(),
        st.booleans(),
        losses,
        some_text,
    ),
    st.builds(PacketsRecord, heads, st.integers(0, 3), st.lists(frames(), max_size=6).map(tuple)),
    st.builds(AttemptRecord, heads, st.just("0" * 16), some_text, some_text, st.booleans(), st.just({})),
    st.builds(SecretsRecord, heads, st.binary(max_size=30)),
)


@st.composite
def deliveries(draw: st.DrawFn) -> list[Delivered]:
    found = []
    for number, record in enumerate(draw(st.lists(records, max_size=25)), 1):
        subject, data = message_of(record, "lab")
        if draw(st.integers(0, 9)) == 0:
            at = draw(st.integers(0, len(data) - 1))
            data = data[:at] + draw(st.binary(max_size=4)) + data[at + draw(st.integers(0, 4)) :]
        before_its_turn = isinstance(record, SensorRecord) and draw(st.booleans())
        stored_ns = draw(st.integers(0, 2**62))
        found.append(Delivered(0 if before_its_turn else number, stored_ns, subject, data, len(data)))
    return found


@settings(max_examples=60)
@given(deliveries())
def test_whatever_comes_becomes_rows_and_counts(came: list[Delivered]) -> None:
    receiver = Receiver("lab")
    for delivered in came:
        receiver.take(delivered)
    receiver.finish()
    receiver.say()
    frames_before = sum(_waiting(vantage) for vantage in receiver.vantages)
    table = table_of(receiver.vantages)
    assert sum(file.packets for file in table.files) == frames_before
    assert all(flow.verdict.code for flow in Story(table).flows)
    assert all(isinstance(note, str) for file in table.files for note in file.notes)


@settings(max_examples=60)
@given(deliveries(), st.integers(1, 6), st.sampled_from((0, 5)))
def test_whatever_comes_live_becomes_a_story(came: list[Delivered], at_once: int, keep: int) -> None:
    clock = count(0, 0.2)
    source = SensorSource(Bus("nowhere"), Since(), now=lambda: next(clock))
    story = Story(source.table)
    retention = Retention(story, source, keep, several=source)

    def look() -> None:
        source.collect()
        story.update()
        retention.step()

    for start in range(0, len(came), at_once):
        for delivered in came[start : start + at_once]:
            source.receiver.take(delivered)
        look()
    source.stop()
    story.update()
    look()
    assert sum(file.udp for file in source.table.files) == len(source.table) + retention.let_go.packets
    assert all(flow.verdict.code for flow in story.flows)
    assert all(isinstance(remark, str) for remark in source.remarks)


@given(st.lists(records, min_size=1, max_size=12), st.permutations(range(12)))
@settings(max_examples=30)
def test_a_record_counts_once_however_often_it_comes(some: list[Record], order: list[int]) -> None:
    messages = [message_of(record, "lab") for record in some]
    receiver = Receiver("lab")
    for number, index in enumerate([*order, *order], 1):
        subject, data = messages[index % len(messages)]
        receiver.take(Delivered(number, 0, subject, data, len(data)))
    distinct = {(record.head.sensor, record.head.run, record.head.sequence) for record in some}
    assert receiver.counts.repeated == 24 - len(distinct)
    assert receiver.counts.refused == 0


def _waiting(vantage: Vantage) -> int:
    return sum(part.number.size for part in vantage.waiting)


def test_what_is_encoded_is_within_the_bound() -> None:
    frame = max(REAL, key=lambda one: len(one.frame))
    assert len(encode_record(PacketsRecord(head("a", 0), 0, (frame,) * 100))) < 768 << 10
