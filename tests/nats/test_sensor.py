"""`peephole sensor`, whole: a capture through a pipe, to a real server, and what is in its stream then."""

from __future__ import annotations

import gzip
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import nats
import pytest

from app.cli import main
from capture.sensors.decoding import decode_record
from capture.sensors.outbox import Outbox
from capture.sensors.publisher import Publisher
from capture.sensors.records import AttemptRecord, PacketsRecord, Record, SensorRecord, State
from capture.story import Story
from tests.app.running import LAB
from tests.app.sensors.published import rebuilt
from tests.app.sensors.test_sensing import told
from tests.capture.test_masking import Originals, assert_nothing_left
from tests.nats.certificates import make_certificates
from tests.nats.server import NatsServer, running_server

CAPTURE = LAB / "tour" / "wan.pcap.gz"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with running_server(tmp_path_factory.mktemp("sensor")) as one:
        yield one


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when the sensor has reached the server."""
    event, start = threading.Event(), Publisher.start

    def and_tell(publisher: Publisher) -> None:
        start(publisher)
        event.set()

    monkeypatch.setattr(Publisher, "start", and_tell)
    return event


class Pipe:
    """A named pipe that a thread writes a capture into, part by part."""

    def __init__(
        self,
        folder: Path,
        started: threading.Event,
        between: Callable[[int], None],
        parts: int = 4,
        capture: Path = CAPTURE,
    ) -> None:
        self.path = str(folder / "pipe")
        os.mkfifo(self.path)
        self._content = gzip.decompress(capture.read_bytes())
        self._parts = parts
        self._started = started
        self._between = between
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def _write(self) -> None:
        size = len(self._content) // self._parts + 1
        with open(self.path, "wb") as pipe:
            for part in range(self._parts):
                pipe.write(self._content[part * size : (part + 1) * size])
                pipe.flush()
                self._started.wait(30)
                self._between(part)

    def join(self) -> None:
        self._thread.join()


async def stored(server: NatsServer, name: str) -> list[Record]:
    """Everything in a stream, in the order of the stream."""
    client = await nats.connect(server.url)
    stream = client.jetstream()
    found = []
    for sequence in range(1, (await stream.stream_info(name)).state.last_seq + 1):
        message = await stream.get_msg(name, sequence)
        assert message.data is not None
        assert message.headers is not None
        record = decode_record(message.data)
        assert message.headers["Nats-Msg-Id"] == record.head.message_id
        found.append(record)
    await client.close()
    return found


def frames(records: list[Record]) -> list[int]:
    return [one.number for record in records if isinstance(record, PacketsRecord) for one in record.frames]


async def test_a_capture_is_published_whole_though_the_server_dies_twice(
    tmp_path: Path, started: threading.Event, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_server(tmp_path) as server:

        def meanwhile(part: int) -> None:
            (server.kill, server.start)[part % 2]()

        pipe = Pipe(tmp_path, started, meanwhile)
        to = f"{server.url}/live"
        assert main(["sensor", "--read", pipe.path, "--to", to, "--create", "--name", "lab box"]) == 0
        pipe.join()
        records = await stored(server, "live")
    assert [one.head.sequence for one in records] == list(range(len(records)))
    assert {one.head.sensor for one in records} == {"lab-box"}
    numbers = frames(records)
    assert len(numbers) == len(set(numbers))
    whole = Story.open([str(CAPTURE)])
    assert [told(flow) for flow in rebuilt(records, tmp_path).flows] == [told(flow) for flow in whole.flows]
    said = capsys.readouterr().err
    assert "trying again" in said
    assert "connected again" in said
    assert f"published {len(records)} records" in said


async def test_within_a_bound_every_attempt_is_told_and_no_frame_twice(
    server: NatsServer, tmp_path: Path, started: threading.Event
) -> None:
    pipe = Pipe(tmp_path, started, lambda _: None, parts=12)
    to = f"{server.url}/bounded"
    assert main(["sensor", "--read", pipe.path, "--to", to, "--create", "--name", "x", "--keep", "1000"]) == 0
    pipe.join()
    records = await stored(server, "bounded")
    numbers = frames(records)
    assert len(numbers) == len(set(numbers))
    wanted = {flow.id for flow in Story.open([str(CAPTURE)]).flows}
    assert wanted <= {one.id for one in records if isinstance(one, AttemptRecord)}
    last = records[-1]
    assert isinstance(last, SensorRecord)
    assert last.state is State.ENDED


def test_a_full_outbox_stops_the_reading_and_what_waits_is_published_later(
    tmp_path: Path, started: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    small: list[Outbox] = []
    made = Outbox.__init__

    def as_small(outbox: Outbox) -> None:
        made(outbox, 1)
        small.append(outbox)

    monkeypatch.setattr(Outbox, "__init__", as_small)
    with running_server(tmp_path) as server:
        held: list[int] = []

        def meanwhile(part: int) -> None:
            if part == 0:
                server.kill()
            elif part == 3:
                held.append(len(small[0]))
                server.start()

        pipe = Pipe(tmp_path, started, meanwhile)
        assert main(["sensor", "--read", pipe.path, "--to", f"{server.url}/live", "--create", "--name", "x"]) == 0
        pipe.join()
    # One look may fill it; nothing is taken in behind that.
    assert len(small[0]) == 0
    assert held[0] <= small[0].acknowledged_count


async def test_two_sources_are_published_beside_each_other(
    server: NatsServer, tmp_path: Path, started: threading.Event
) -> None:
    ends = [LAB / "consistent-random" / f"{side}.pcap.gz" for side in ("client", "server")]
    pipes = []
    for number, end in enumerate(ends):
        (tmp_path / str(number)).mkdir()
        pipes.append(Pipe(tmp_path / str(number), started, lambda _: None, capture=end))
    read = [word for pipe in pipes for word in ("--read", pipe.path)]
    assert main(["sensor", *read, "--to", f"{server.url}/both", "--create", "--name", "x"]) == 0
    for pipe in pipes:
        pipe.join()
    records = await stored(server, "both")
    assert {one.source for one in records if isinstance(one, PacketsRecord)} == {0, 1}
    whole = Story.open([str(end) for end in ends])
    assert [told(flow) for flow in rebuilt(records, tmp_path).flows] == [told(flow) for flow in whole.flows]


SECRET = "correct-horse"


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        ([], 2, "where is it to be published?"),
        (["--to", "http://example.org"], 2, "the address of a NATS server is nats://"),
        (["--to", "nats://127.0.0.1:1/x"], 3, "can't be reached"),
        (["--to", "SERVER/x"], 3, "has no stream x; --create makes it"),
        (["--to", f"nats://ann:{SECRET}@127.0.0.1:1/x"], 3, "can't be reached"),
        (["--to", f"nats://ann:{SECRET}@127.0.0.1:99999/x"], 2, "the address of a NATS server"),
        (["--to", "SERVER/x", "--max-bytes", "5"], 2, "go with --create"),
        (["--to", "SERVER/x", "--redact", "--with-secrets"], 2, "--with-secrets does not go with --redact"),
        (["--to", "SERVER/x", "--redact", "--keylog", "x"], 2, "do not go with --redact"),
        (["--to", "SERVER/x", "--redact-salt", "/"], 2, "--redact-salt /: "),
    ],
)
def test_what_can_not_be_done_is_said(
    server: NatsServer,
    arguments: list[str],
    status: int,
    says: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NATS_URL", raising=False)
    path = tmp_path / "x.pcap"
    path.write_bytes(gzip.decompress(CAPTURE.read_bytes()))
    given = [one.replace("SERVER", server.url) for one in arguments]
    assert main(["sensor", "--read", str(path), *given]) == status
    said = capsys.readouterr().err
    assert says in said
    assert SECRET not in said


async def test_the_url_may_come_from_the_environment_and_a_file_is_followed_until_the_duration_is_over(
    server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NATS_URL", f"{server.url}/env")
    path = tmp_path / "x.pcap"
    path.write_bytes(gzip.decompress(CAPTURE.read_bytes()))
    salt = tmp_path / "salt"
    arguments = ["--create", "--redact-salt", str(salt), "--all", "--duration", "0.2"]
    assert main(["sensor", "--read", str(path), *arguments]) == 0
    assert salt.stat().st_mode & 0o777 == 0o600
    records = await stored(server, "env")
    assert isinstance(records[0], SensorRecord)
    assert records[0].redacted
    assert records[0].everything
    assert records[0].name.startswith("sensor-")
    assert frames(records)


def test_a_salt_that_others_may_read_is_refused(
    server: NatsServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    salt = tmp_path / "salt"
    salt.write_text("0123456789abcdef0123456789abcdef")
    salt.chmod(0o644)
    arguments = ["--to", f"{server.url}/x", "--redact-salt", str(salt)]
    assert main(["sensor", "--read", str(CAPTURE), *arguments]) == 2
    assert "others may read it" in capsys.readouterr().err
    salt.write_text("short")
    salt.chmod(0o600)
    assert main(["sensor", "--read", str(CAPTURE), *arguments]) == 2
    assert "has to have 16 to 4096 bytes" in capsys.readouterr().err


def test_what_the_server_has_on_its_disk_of_a_redacted_capture_names_nobody(
    tmp_path: Path, started: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "desk-of-alice")
    (tmp_path / "in").mkdir()
    with running_server(tmp_path) as server:
        pipe = Pipe(tmp_path / "in", started, lambda _: None)
        arguments = ["--create", "--redact-salt", str(tmp_path / "salt"), "--all"]
        assert main(["sensor", "--read", pipe.path, "--to", f"{server.url}/live", *arguments]) == 0
        pipe.join()
    content = b"".join(path.read_bytes() for path in (tmp_path / "nats" / "store").rglob("*") if path.is_file())
    assert b"PEER_HOLEPUNCH" in content
    assert_nothing_left(content, Originals(Story.open([str(CAPTURE)])), binary=False)
    assert str(tmp_path).encode() not in content
    assert b"desk-of-alice" not in content


def test_over_tls_with_a_certificate_and_a_password_from_the_environment(
    tmp_path: Path, started: threading.Event, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tls = make_certificates(tmp_path / "pem")
    (tmp_path / "nats").mkdir()
    with NatsServer(tmp_path / "nats", users={"ann": SECRET}, tls=tls, verify=True) as server:
        path = tmp_path / "x.pcap"
        path.write_bytes(gzip.decompress(CAPTURE.read_bytes()))
        ours = ["--nats-cert", str(tls.client.certificate), "--nats-key", str(tls.client.key)]
        sensor = ["sensor", "--read", str(path), "--to", f"{server.url}/x", "--create", "--duration", "0.1"]
        trusting = [*sensor, "--nats-ca", str(tls.authority)]
        assert main([*sensor, *ours]) == 3
        assert "its certificate is not trusted" in capsys.readouterr().err
        assert main(trusting) == 3
        assert main([*trusting, *ours]) == 3
        assert "does not let us in" in capsys.readouterr().err
        monkeypatch.setenv("NATS_USER", "ann")
        monkeypatch.setenv("NATS_PASSWORD", SECRET)
        assert main([*trusting, *ours]) == 0
        said = capsys.readouterr().err
        assert f"publishing to {server.url}/x" in said
        assert SECRET not in said
