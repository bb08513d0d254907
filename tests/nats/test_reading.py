"""What a stream has, read to its end: the same story that the files give which the sensors read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.report_json import report_pieces
from capture.sensors.bus import BusError, parse_bus
from capture.sensors.reading import read_stream, table_of
from capture.sensors.stream_reader import Since
from capture.story import Story
from tests.nats.publishing import make_stream, publish, records_of
from tests.nats.server import NatsServer

LAB = Path(__file__).parent.parent / "fixtures" / "lab"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with NatsServer(tmp_path_factory.mktemp("nats")) as one:
        yield one


def report_of(story: Story) -> str:
    files = [replace(file, path=f"vantage {number}", format="") for number, file in enumerate(story.files)]
    return "".join(report_pieces(files, story.flows, notes=story.notes, secrets=True))


@pytest.mark.parametrize("scenario", ["consistent-random", "relayed", "loss"])
async def test_two_vantages_tell_what_their_files_tell(server: NatsServer, scenario: str) -> None:
    paths = [LAB / scenario / f"{side}.pcap.gz" for side in ("client", "server")]
    expected = Story.open([str(path) for path in paths])
    await make_stream(server, scenario)
    client, at_server = (records_of(path, path.name.split(".")[0], size=7) for path in paths)
    mixed = [record for pair in zip(at_server, client, strict=False) for record in pair]
    mixed += at_server[len(client) :] + client[len(at_server) :]
    await publish(server, scenario, mixed)
    receiver = read_stream(parse_bus(f"{server.url}/{scenario}"), Since())
    story = Story(table_of(receiver.vantages))
    assert [file.path for file in story.files] == ["client", "server"]
    assert receiver.missing == receiver.counts.refused == receiver.counts.repeated == 0
    assert report_of(story) == report_of(expected)
    assert story.flows


async def test_an_empty_stream_ends_at_once(server: NatsServer) -> None:
    await make_stream(server, "empty")
    receiver = read_stream(parse_bus(f"{server.url}/empty"), Since())
    assert not receiver.vantages


async def test_no_such_stream(server: NatsServer) -> None:
    with pytest.raises(BusError, match="has no stream other"):
        read_stream(parse_bus(f"{server.url}/other"), Since())


async def test_no_jetstream(tmp_path: Path) -> None:
    with NatsServer(tmp_path, jetstream=False) as bare, pytest.raises(BusError, match="has no JetStream"):
        read_stream(parse_bus(bare.url), Since())


async def test_a_user_who_may_not_read(tmp_path: Path) -> None:
    users, rights = {"ann": "hunter2", "eve": "eve"}, {"eve": '{publish: "peephole.>"}'}
    with NatsServer(tmp_path, users=users, permissions=rights) as guarded:
        with pytest.raises(BusError, match="does not permit us") as caught:
            read_stream(parse_bus(guarded.url_of("eve", "eve")), Since())
        assert "hunter2" not in str(caught.value)
