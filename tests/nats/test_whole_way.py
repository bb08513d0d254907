"""The whole way: two sensors that read two vantages of a real attempt, a server that dies meanwhile, one story."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import pytest

from app.cli import main
from capture.sensors.bus import parse_bus
from capture.sensors.source import SensorSource
from capture.sensors.stream_reader import Since
from capture.story import Story
from tests.nats.publishing import make_stream
from tests.nats.server import NatsServer
from tests.nats.watching import Watching, verdicts_of

LAB = Path(__file__).parent.parent / "fixtures" / "lab" / "consistent-random"
ROOT = Path(__file__).parent.parent.parent
SIDES = ("client", "server")


class SensorProcess:
    """`peephole sensor` on a pipe that the test writes a capture into."""

    def __init__(self, side: str, folder: Path, url: str) -> None:
        self.path = LAB / f"{side}.pcap.gz"
        self._content = gzip.decompress(self.path.read_bytes())
        pipe = folder / f"{side}.pipe"
        os.mkfifo(pipe)
        command = [sys.executable, "-m", "app", "sensor", "--read", str(pipe), "--to", url, "--name", side, "--all"]
        self.process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        self._pipe: IO[bytes] = os.fdopen(self._opened(pipe), "wb")

    def _opened(self, pipe: Path) -> int:
        """The pipe, once the sensor reads it."""
        while True:
            try:
                descriptor = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(0.05)
                assert self.process.returncode is None, self.process.communicate()[1]
            else:
                os.set_blocking(descriptor, True)
                return descriptor

    def write(self, start: float, end: float) -> None:
        """Write a part of the capture, cut wherever it is."""
        size = len(self._content)
        self._pipe.write(self._content[int(start * size) : int(end * size)])
        self._pipe.flush()

    def finish(self) -> str:
        """End the capture, and wait until all of it is published; what was said."""
        self._pipe.close()
        said = self.process.communicate(timeout=60)[1]
        assert self.process.returncode == 0, said
        return said


def flows_of(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[list[dict[str, Any]], list[str]]:
    assert main(["report", "--json", *arguments]) == 0
    document = json.loads(capsys.readouterr().out)
    return document["flows"], document["notes"]


async def test_nothing_is_lost_and_nothing_comes_twice_when_the_server_dies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "nats").mkdir()
    with NatsServer(tmp_path / "nats") as server:
        await make_stream(server, "lab")
        url = f"{server.url}/lab"
        sensors = [SensorProcess(side, tmp_path, url) for side in SIDES]
        with SensorSource(parse_bus(url), Since()) as source:
            watching = Watching(source)
            for sensor in sensors:
                sensor.write(0, 0.4)
            watching.until(lambda: len(source.table.files) == 2)
            server.kill()
            watching.until(lambda: bool(source.trouble))
            for sensor in sensors:
                sensor.write(0.4, 0.7)
            server.start()
            watching.until(lambda: not source.trouble)
            server.restart()
            for sensor in sensors:
                sensor.write(0.7, 1)
            said = "".join(sensor.finish() for sensor in sensors)
            ended = "the sensor ended"
            watching.until(
                lambda: sum(ended in note for file in source.table.files for note in file.notes) == len(SIDES)
            )
            receiver = source.receiver
            assert (receiver.missing, receiver.counts.refused, receiver.counts.undescribed) == (0, 0, 0)
            assert receiver.whole
        watching.look()
        assert "connected again" in said
        ours, notes = flows_of(["--from", url], capsys)
    theirs, _ = flows_of([str(sensor.path) for sensor in sensors], capsys)
    names = {str(sensor.path): side for sensor, side in zip(sensors, SIDES, strict=True)}
    text = json.dumps([flow["verdict"] for flow in theirs])
    for path, side in names.items():
        text = text.replace(path, side)
    assert [flow["verdict"] for flow in ours] == json.loads(text)
    assert [(flow["id"], flow["outcome"]) for flow in ours] == [(flow["id"], flow["outcome"]) for flow in theirs]
    assert not [note for note in notes if "told" in note]
    expected = verdicts_of(Story.open([str(sensor.path) for sensor in sensors]))
    assert [one[:2] for one in watching.verdicts] == [one[:2] for one in expected]
