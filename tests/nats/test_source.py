"""What sensors publish as it comes: sensors that turn up, a server that goes away and comes back, bounds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from capture.growing.capture import EndedError
from capture.sensors.bus import parse_bus
from capture.sensors.source import SensorSource
from capture.sensors.stream_reader import Since
from capture.story import Story
from tests.nats.publishing import make_stream, publish, records_of
from tests.nats.server import NatsServer
from tests.nats.watching import SECONDS, Watching, verdicts_of

LAB = Path(__file__).parent.parent / "fixtures" / "lab"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with NatsServer(tmp_path_factory.mktemp("nats")) as one:
        yield one


async def test_sensors_turn_up_and_the_server_restarts(tmp_path: Path) -> None:
    paths = [LAB / "consistent-random" / f"{side}.pcap.gz" for side in ("client", "server")]
    expected = Story.open([str(path) for path in paths])
    client, at_server = (records_of(path, path.name.split(".")[0], size=10) for path in paths)
    with NatsServer(tmp_path) as server:
        await make_stream(server, "peephole")
        await publish(server, "peephole", client[:5])
        with SensorSource(parse_bus(server.url), Since()) as source:
            watching = Watching(source)
            watching.until(lambda: watching.packets > 0)
            assert len(source.table.files) == 1
            await publish(server, "peephole", [*client[5:8], *at_server[:4]])
            watching.until(lambda: len(source.table.files) == 2)
            server.kill()
            watching.until(lambda: bool(watching.told))
            assert source.trouble.startswith(server.url)
            assert source.trouble.endswith("trying again")
            server.start()
            # What was sent without an answer is sent again, under the same numbers.
            await publish(server, "peephole", [*client[7:], *at_server[3:]])
            watching.until(lambda: watching.packets == sum(file.udp for file in expected.table.files))
            assert len(watching.told) >= 2
            assert source.receiver.missing == 0
            assert source.receiver.counts.repeated == 2
            assert not source.trouble
            assert source.file.path == f"{server.url}/peephole"
        watching.look()
        assert watching.verdicts == verdicts_of(expected)
        assert sum(file.packets for file in source.table.files) == sum(f.packets for f in expected.table.files)


async def test_it_ends_with_what_is_there_now(server: NatsServer) -> None:
    await make_stream(server, "now")
    await publish(server, "now", records_of(LAB / "loss" / "client.pcap.gz", "lan"))
    with SensorSource(parse_bus(f"{server.url}/now"), Since(), until_now=True) as source:
        watching = Watching(source)
        watching.until(lambda: isinstance(source.error, EndedError))
        assert [flow.id for flow in watching.story.flows] == [
            flow.id for flow in Story.open([str(LAB / "loss" / "client.pcap.gz")]).flows
        ]


async def test_memory_is_bounded_while_nobody_looks(server: NatsServer) -> None:
    """Much more is in the stream than may wait here: the rest stays there, and all of it comes in the end."""
    from capture.sensors.stream_reader import BATCH_BYTES, StreamReader

    await make_stream(server, "much")
    subject, size, count = "peephole.much.lan.packets", 200_000, 100
    await publish(server, "much", [(subject, number.to_bytes(4, "big") * (size // 4)) for number in range(count)])
    reader = StreamReader(parse_bus(f"{server.url}/much"), Since(), until_now=True, room=1 << 20)
    reader.start()
    assert reader.wait(SECONDS)
    found = []
    while len(found) < count:
        assert reader.wait(SECONDS)
        some = reader.take()
        assert sum(one.size for one in some) <= (1 << 20) + BATCH_BYTES
        found += some
    reader.stop()
    assert [int.from_bytes(one.data[:4], "big") for one in found if one.data] == list(range(count))
    assert [one.number for one in found] == list(range(1, count + 1))


async def test_keep_lets_go_of_old_packets_and_counts_them(server: NatsServer) -> None:
    await make_stream(server, "keep")
    path = LAB / "thirty-to-five" / "nat.pcap.gz"
    whole = Story.open([str(path)])
    records = records_of(path, "lan", size=200)
    with SensorSource(parse_bus(f"{server.url}/keep"), Since()) as source:
        watching = Watching(source, keep=1000)
        for part in range(0, len(records), 5):
            await publish(server, "keep", records[part : part + 5])
            watching.look()
        watching.until(lambda: watching.packets == len(whole.table))
        watching.look()
        gone = watching.retention.let_go
        assert gone.packets > 0
        assert len(source.table) + gone.packets == len(whole.table)
        left = {flow.id for flow in watching.story.flows}
        assert len(left) + gone.attempts == len(whole.flows)


async def test_a_stream_that_was_made_anew_is_read_from_its_start(tmp_path: Path) -> None:
    records = records_of(LAB / "consistent-random" / "client.pcap.gz", "lan", size=20)
    with NatsServer(tmp_path) as server:
        await make_stream(server, "peephole")
        await publish(server, "peephole", records[:6])
        with SensorSource(parse_bus(server.url), Since()) as source:
            watching = Watching(source)
            watching.until(lambda: watching.packets == 100)
            server.kill()
            shutil.rmtree(tmp_path / "store")
            server.start()
            watching.until(lambda: "has no stream" in source.trouble)
            await make_stream(server, "peephole")
            await publish(server, "peephole", records[3:10])
            watching.until(lambda: watching.packets == 180)
            assert source.receiver.counts.repeated == 3
            assert source.receiver.missing == 0
        assert any("made anew" in remark for remark in source.remarks)


async def test_clocks_of_sensors_are_brought_together_while_they_run(server: NatsServer) -> None:
    """The server's host is three seconds ahead: the story is that of captures with one clock."""
    await make_stream(server, "clocks")
    paths = [LAB / "consistent-consistent" / f"{side}.pcap.gz" for side in ("client", "server")]
    client, at_server = (
        records_of(path, path.name.split(".")[0], size=20, ahead_ns=ahead)
        for path, ahead in zip(paths, (0, 3 * 10**9), strict=True)
    )
    expected = Story.open([str(path) for path in paths])
    with SensorSource(parse_bus(f"{server.url}/clocks"), Since()) as source:
        watching = Watching(source)
        for part in range(0, max(len(client), len(at_server)), 2):
            await publish(server, "clocks", [*client[part : part + 2], *at_server[part : part + 2]])
            watching.look()
        watching.until(lambda: watching.packets == sum(file.udp for file in expected.table.files))
    watching.look()
    offsets = {file.path: file.clock_offset_ns / 1e9 for file in source.table.files}
    assert abs(offsets["server"] - offsets["client"] - 3) < 0.01
    assert watching.verdicts == verdicts_of(expected)
    ladders = [
        [
            [(step.kind, step.from_lane, step.to_lane, step.label, step.count) for step in flow.steps]
            for flow in one.flows
        ]
        for one in (watching.story, expected)
    ]
    assert ladders[0] == ladders[1]
