"""Whoever may write to the stream writes what he likes: nothing ends, everything is counted, and all is bounded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli import main
from capture.sensors.bus import parse_bus
from capture.sensors.reading import read_stream, table_of
from capture.sensors.receiving import MOST_RUNS, MOST_TOLD, MOST_VANTAGES, Receiver
from capture.sensors.records import (
    MOST_BYTES,
    AttemptRecord,
    PacketsRecord,
    Record,
    SensorFrame,
    SourceInterface,
    encode_record,
    subject_of,
)
from capture.sensors.stream_reader import Delivered, Since
from capture.story import Story
from tests.nats.publishing import RUN, head, hello, make_stream, message_of, publish, records_of
from tests.nats.server import NatsServer

LAB = Path(__file__).parent.parent / "fixtures" / "lab"
OTHER_RUN = "ffeeddccbbaa9988"
EVIL = "\x1b]0;owned\x07\x1b[2J\u202e"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    configuration = "max_payload: 8MB"
    with NatsServer(tmp_path_factory.mktemp("nats"), configuration=configuration) as one:
        yield one


class Stream:
    """Deliveries to a receiver without a server."""

    def __init__(self) -> None:
        self.receiver = Receiver("lab")
        self._number = 0

    def take(self, *records: Record | tuple[str, bytes]) -> None:
        for record in records:
            self._number += 1
            subject, data = record if isinstance(record, tuple) else message_of(record, "lab")
            stored_ns = 0 if isinstance(record, tuple) else record.head.time_ns
            self.receiver.take(Delivered(self._number, stored_ns, subject, data, len(data)))


def packets(sensor: str, sequence: int, *frames: SensorFrame, run: str = RUN) -> PacketsRecord:
    return PacketsRecord(head(sensor, sequence, run), 0, frames or (SensorFrame(1, 1, 0, 60, b"x" * 60),))


def good() -> list[Record]:
    return records_of(LAB / "consistent-random" / "client.pcap.gz", "lan")


def report_of(receiver: Receiver) -> list[tuple[str, str]]:
    return [(flow.id, str(flow.verdict.code)) for flow in Story(table_of(receiver.vantages)).flows]


GARBAGE = {
    "nothing": b"",
    "no CBOR": b"\xff\xfe",
    "no map": b"\x80",
    "cut": encode_record(hello("lan"))[:-3],
    "deep": b"\x81" * 100_000 + b"\x00",
    "deep in a record": encode_record(hello("lan"))[:1] + b"\x67version" + b"\xa1\x61a" * 50_000,
    "endless": b"\xbf" + b"\x61a\x01" * 1000,
    "a long promise": b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
    "JSON": b'{"version":1,"kind":"sensor"}',
    "too long": b"\x00" * (MOST_BYTES + 1),
}


@pytest.mark.parametrize("what", GARBAGE)
def test_what_is_no_record_is_counted_and_named(what: str) -> None:
    stream = Stream()
    stream.take(*good()[:3], (subject_of("lab", "lan", "packets"), GARBAGE[what]), *good()[3:])
    counts = stream.receiver.counts
    assert counts.refused == 1
    assert "message 4 on peephole.lab.lan.packets: " in counts.first_refused
    assert stream.receiver.missing == 0
    alone = Stream()
    alone.take(*good())
    assert report_of(stream.receiver) == report_of(alone.receiver)
    assert not stream.receiver.whole


async def test_a_huge_message_is_stepped_over(server: NatsServer) -> None:
    """Larger than is asked for at once, and than a record may be: it is not even loaded."""
    await make_stream(server, "huge")
    subject = subject_of("huge", "lan", "packets")
    huge, large = (subject, bytes(7 << 20)), (subject, bytes(2 << 20))
    await publish(server, "huge", [huge, *good()[:3], huge, large, *good()[3:], huge])
    receiver = read_stream(parse_bus(f"{server.url}/huge"), Since())
    assert receiver.counts.refused == 4
    assert receiver.missing == 0
    assert "too large" in receiver.counts.first_refused
    alone = Stream()
    alone.take(*good())
    assert report_of(receiver) == report_of(alone.receiver)


def test_nobody_speaks_for_another_sensor() -> None:
    """A server may let each sensor write to subjects of its own name: what says it is of another does not count."""
    stream = Stream()
    forged = packets("lan", 1)
    stream.take(*good(), (subject_of("lab", "mallory", "packets"), encode_record(forged)))
    stream.take((subject_of("lab", "lan", "sensor"), encode_record(packets("lan", 99))))
    stream.take((subject_of("other", "lan", "packets"), encode_record(packets("lan", 100))))
    assert stream.receiver.counts.refused == 3
    assert "another than its subject" in stream.receiver.counts.first_refused
    assert [vantage.file.path for vantage in stream.receiver.vantages] == ["lan"]


async def test_the_server_keeps_sensors_apart(tmp_path: Path) -> None:
    """The permissions that docs/sensors.md advises: a sensor may write as itself and read nothing."""
    import nats
    import nats.errors

    users = {"lan": "l", "reader": "r", "admin": "a"}
    rights = {
        "lan": '{publish: ["peephole.lab.lan.>", "$JS.API.STREAM.INFO.lab"], subscribe: "_INBOX.>"}',
        "reader": '{publish: ["$JS.API.STREAM.INFO.lab", "$JS.API.CONSUMER.CREATE.lab.>", '
        '"$JS.API.CONSUMER.MSG.NEXT.lab.>"], subscribe: "_INBOX.>"}',
    }
    with NatsServer(tmp_path, users=users, permissions=rights) as server:
        admin = await nats.connect(server.url_of("admin", "a"))
        await admin.jetstream().add_stream(name="lab", subjects=["peephole.lab.>"])
        lan = await nats.connect(server.url_of("lan", "l"))
        for record in good():
            subject, data = message_of(record, "lab")
            await lan.jetstream().publish(subject, data)
        with pytest.raises(nats.errors.TimeoutError):
            await lan.jetstream(timeout=0.2).publish("peephole.lab.wan.packets", b"forged")
        with pytest.raises(nats.errors.TimeoutError):
            await lan.jetstream(timeout=0.2).delete_stream("lab")
        receiver = read_stream(parse_bus(f"{server.url_of('reader', 'r')}/lab"), Since())
        assert receiver.whole
        assert receiver.vantages
        await lan.close()
        await admin.close()


def test_what_is_replayed_counts_once() -> None:
    stream = Stream()
    stream.take(*good(), *good(), *good()[2:4])
    assert stream.receiver.counts.repeated == len(good()) + 2
    alone = Stream()
    alone.take(*good())
    assert report_of(stream.receiver) == report_of(alone.receiver)


def test_two_that_are_called_the_same_are_two() -> None:
    """Two hosts of one name, or one that pretends: their packets are not mixed."""
    stream = Stream()
    other = records_of(LAB / "consistent-random" / "server.pcap.gz", "lan", OTHER_RUN)
    stream.take(*(one for pair in zip(good(), other, strict=False) for one in pair))
    assert [vantage.file.path for vantage in stream.receiver.vantages] == ["lan", "lan (run 2)"]
    table = table_of(stream.receiver.vantages)
    assert {file.packets > 0 for file in table.files} == {True}


def test_a_flood_of_names_is_bounded() -> None:
    stream = Stream()
    stream.take(*good())
    for number in range(MOST_RUNS + 100):
        name = f"flood-{number}"
        stream.take(hello(name), packets(name, 1))
    receiver = stream.receiver
    assert len(receiver.vantages) == MOST_VANTAGES
    assert receiver.counts.crowded > 0
    assert any("left out" in remark for remark in receiver.remarks())
    assert len(receiver._runs) <= MOST_RUNS
    # What came before is still there.
    assert receiver.vantages[0].file.path == "lan"


def test_a_flood_of_names_without_packets_crowds_nobody_out() -> None:
    stream = Stream()
    for number in range(2 * MOST_RUNS + 50):
        stream.take(hello(f"flood-{number}"))
    stream.take(*good())
    assert [vantage.file.path for vantage in stream.receiver.vantages] == ["lan"]
    assert len(stream.receiver._runs) <= MOST_RUNS
    assert len(stream.receiver._starts) <= 2 * MOST_RUNS + 1


def test_a_flood_of_packets_of_nobody_is_bounded() -> None:
    """Frames wait for their sensor to describe itself, but not without end."""
    stream = Stream()
    frames = tuple(SensorFrame(number, 1, 0, 60_000, bytes(60_000)) for number in range(1, 12))
    for sequence in range(50):
        stream.take(packets("ghost", sequence, *frames))
    receiver = stream.receiver
    assert receiver._held <= 16 << 20
    assert receiver.counts.undescribed > 0
    receiver.finish()
    assert receiver.counts.undescribed == 50 * len(frames)
    assert not receiver.vantages


def test_a_flood_of_verdicts_is_bounded() -> None:
    stream = Stream()
    for number in range(MOST_TOLD + 50):
        stream.take(AttemptRecord(head("liar", number), f"{number:016x}", "punched", "connected", True, {}))
    assert len(stream.receiver.told) == MOST_TOLD


def test_a_gap_is_a_loss_and_a_late_record_is_none() -> None:
    stream = Stream()
    records = good()
    stream.take(*records[:2], *records[4:])
    assert stream.receiver.missing == 2
    stream.receiver.say()
    assert any("2 of its records are missing" in note for note in stream.receiver.vantages[0].file.notes)
    stream.take(records[3], records[2])
    assert stream.receiver.missing == 0
    stream.receiver.say()
    assert not stream.receiver.vantages[0].file.notes
    stream.take(packets("lan", (1 << 62)))
    assert stream.receiver.missing > 1 << 60


def test_wrong_times_are_said_and_end_nothing() -> None:
    stream = Stream()
    day = 86_400 * 10**9
    frames = [SensorFrame(number, time_ns, 0, 60, bytes(60)) for number, time_ns in enumerate((0, 2**63 - 1, day), 1)]
    stream.take(hello("lan"))
    record = packets("lan", 1, *frames)
    subject, data = message_of(record, "lab")
    stream.receiver.take(Delivered(2, record.head.time_ns - day, subject, data, len(data)))
    stream.receiver.say()
    [note] = stream.receiver.vantages[0].file.notes
    assert re.fullmatch(r"its clock is 864\d\d s ahead of the server's", note)
    assert Story(table_of(stream.receiver.vantages)).flows == ()


def test_descriptions_that_contradict_each_other_move_no_frames() -> None:
    """The link type of an interface can't be changed afterwards, nor the interface taken away."""
    stream = Stream()
    records = good()
    other = hello("lan", len(records), interfaces=(SourceInterface(101, "raw"),))
    stream.take(*records, other, hello("lan", len(records) + 1, sources=()))
    alone = Stream()
    alone.take(*good())
    assert stream.receiver.vantages[0].file.linktypes == alone.receiver.vantages[0].file.linktypes
    assert report_of(stream.receiver) == report_of(alone.receiver)


async def test_nothing_of_theirs_reaches_the_terminal_as_it_is(
    server: NatsServer, capsys: pytest.CaptureFixture[str]
) -> None:
    from capture.sensors.records import Source

    await make_stream(server, "escape")
    records = good()
    first = records[0]
    sources = (
        Source(f"eth0{EVIL}", "live", first.sources[0].interfaces, 1, {"dropped": 3}, EVIL, (EVIL,)),  # type: ignore[union-attr]
        Source(EVIL, EVIL, ()),
    )
    records[0] = hello("lan", sources=sources, reason=EVIL, name=EVIL, software=EVIL)
    evil = AttemptRecord(head("lan", len(records)), "0123456789abcdef", EVIL, EVIL, True, {EVIL: EVIL})
    await publish(server, "escape", [*records, evil, (subject_of("escape", "lan", "packets"), EVIL.encode())])
    for arguments in ([], ["-v"], ["--format", "github"], ["--format", "junit"], ["--statistics"]):
        assert main(["report", "--from", f"{server.url}/escape", *arguments]) == 0
        out, err = capsys.readouterr()
        assert "lan" in err
        for forbidden in ("\x1b", "\x07", "\u202e"):
            assert forbidden not in out + err
    assert main(["report", "--from", f"{server.url}/escape", "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out)["files"][0]["path"].startswith("lan")
    for forbidden in ("\x1b", "\x07", "\u202e"):
        assert forbidden not in out
