"""`peephole report --from`: what sensors published, headless, through the whole program."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli import main
from capture.sensors.records import AttemptRecord
from tests.nats.publishing import head, hello, make_stream, publish, records_of
from tests.nats.server import NatsServer

LAB = Path(__file__).parent.parent / "fixtures" / "lab"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with NatsServer(tmp_path_factory.mktemp("nats")) as one:
        yield one


def told(sensor: str, sequence: int, id_: str, verdict: str) -> AttemptRecord:
    return AttemptRecord(head(sensor, sequence), id_, verdict, "failed", True, {"id": id_})


async def test_a_report(server: NatsServer, capsys: pytest.CaptureFixture[str]) -> None:
    await make_stream(server, "lab")
    paths = [LAB / "consistent-random" / f"{side}.pcap.gz" for side in ("client", "server")]
    for path in paths:
        await publish(server, "lab", records_of(path, path.name.split(".")[0]))
    assert main(["report", "--from", f"{server.url}/lab", "--json"]) == 0
    ours = json.loads(capsys.readouterr().out)
    assert main(["report", *map(str, paths), "--json"]) == 0
    theirs = json.loads(capsys.readouterr().out)
    assert [flow["verdict"]["code"] for flow in ours["flows"]] == [flow["verdict"]["code"] for flow in theirs["flows"]]
    assert [file["path"] for file in ours["files"]] == ["client", "server"]
    assert main(["report", "--from", f"{server.url}/lab", "--json", "--offset", "server=3"]) == 0
    assert json.loads(capsys.readouterr().out)["files"][1]["clock_offset"] == 3


async def test_what_a_sensor_told_is_said_where_packets_are_missing(
    server: NatsServer, capsys: pytest.CaptureFixture[str]
) -> None:
    path = LAB / "consistent-random" / "client.pcap.gz"
    records = records_of(path, "lan")
    await make_stream(server, "partly")
    await publish(server, "partly", records)
    assert main(["report", "--from", f"{server.url}/partly", "--json"]) == 0
    [flow] = json.loads(capsys.readouterr().out)["flows"]
    count = len(records)
    other = "0123456789abcdef"
    await publish(
        server, "partly", [told("lan", count, flow["id"], "relayed"), told("lan", count + 1, other, "punched")]
    )
    assert main(["report", "--from", f"{server.url}/partly", "--json"]) == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    # All packets of the first are here: what they prove counts, and not what the sensor says.
    assert notes == [f"attempt {other}: its packets are not here; sensor lan told: punched (failed)"]
    # Records are missing: then it may know better.
    await publish(server, "partly", [hello("lan", count + 3)])
    assert main(["report", "--from", f"{server.url}/partly", "--json"]) == 0
    out, err = capsys.readouterr()
    notes = json.loads(out)["notes"]
    assert any(
        f"attempt {flow['id']}: not all of its packets are here; sensor lan told: relayed" in note for note in notes
    )
    assert "1 of its records are missing" in err
    assert main(["report", "--from", f"{server.url}/partly", "--redact"]) == 0
    assert flow["id"] not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["--from", "nats://127.0.0.1:1"], 3, "can't be reached: connection refused"),
        (["--from", "http://x"], 2, "nats://HOST:PORT/STREAM"),
        (["--from", "nats://u:hunter2@127.0.0.1:1/x.y"], 2, "name of a stream"),
        (["--from", "nats://u:hunter2@127.0.0.1:1/x"], 3, "refused"),
        (["--from", "nats://h", "some.pcap"], 2, "--from goes without FILE"),
        (["--new", "some.pcap"], 2, "--new goes with --from"),
        (["--nats-ca", "f", "some.pcap"], 2, "--nats-ca goes with --from"),
        (["--from", "nats://h", "--nats-key", "f"], 2, "--nats-key goes with --nats-cert"),
        (["--from", "nats://h", "--since", "soon"], 2, "a time is written"),
        (["--from", "nats://h", "--since", "1h", "--new"], 2, "not allowed with"),
        ([], 2, "FILE, or --from URL"),
    ],
)
def test_refusals(arguments: list[str], status: int, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", *arguments]) == status
    said = capsys.readouterr().err
    assert says in said
    assert "hunter2" not in said


async def test_since_and_new(server: NatsServer, capsys: pytest.CaptureFixture[str]) -> None:
    await make_stream(server, "when")
    await publish(server, "when", records_of(LAB / "relayed" / "client.pcap.gz", "lan"))
    for options, flows in ((["--since", "1h"], 2), (["--since", "2100-01-01"], 0), (["--new"], 0)):
        assert main(["report", "--from", f"{server.url}/when", "--json", *options]) == 0
        assert len(json.loads(capsys.readouterr().out)["flows"]) == flows


async def test_watching_without_a_screen(server: NatsServer, capsys: pytest.CaptureFixture[str]) -> None:
    await make_stream(server, "watched")
    records = records_of(LAB / "loss" / "client.pcap.gz", "lan")
    await publish(server, "watched", [*records, told("lan", len(records) + 1, "0123456789abcdef", "punched")])
    url = f"{server.url}/watched"
    assert main(["watch", "--from", url, "--report", "--json", "--duration", "1"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out.splitlines()[0])["id"]
    assert f"listening on {url}, NATS" in err
    assert "lan: 1 of its records are missing" in err
    assert "attempt 0123456789abcdef: its packets are not here; sensor lan told: punched (failed)" in err
    for arguments in (["-i", "lo"], ["udp"], ["--promiscuous"], ["--read", "x"]):
        assert main(["watch", "--from", url, "--report", *arguments]) == 2
        assert "--from goes without" in capsys.readouterr().err
