"""A line that breaks wherever it likes, or falls silent: each message comes once, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from capture.sensors import bus as bus_module
from capture.sensors import stream_reader
from capture.sensors.bus import Bus, parse_bus
from capture.sensors.stream_reader import Delivered, Since, StreamReader
from tests.nats.publishing import make_stream, publish
from tests.nats.server import HOST, NatsServer

COUNT = 200
SECONDS = 30.0


class Line:
    """Passes bytes on between readers and the server; each connection from the server breaks after so many."""

    def __init__(self, port: int, lasts: Iterator[int]) -> None:
        self.connections = 0
        self._port = port
        self._lasts = lasts

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        from_server, to_server = await asyncio.open_connection(HOST, self._port)
        there = asyncio.create_task(_pass_on(reader, to_server, 1 << 40))
        await _pass_on(from_server, writer, next(self._lasts))
        there.cancel()
        with suppress(asyncio.CancelledError, OSError):
            await there
        writer.close()
        to_server.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int) -> None:
    with suppress(OSError):
        while most > 0 and (data := await reader.read(min(most, 4096))):
            writer.write(data)
            await writer.drain()
            most -= len(data)


@asynccontextmanager
async def line_to(server: NatsServer, lasts: Iterator[int]) -> AsyncIterator[tuple[Line, Bus]]:
    line = Line(server.port, lasts)
    async with await asyncio.start_server(line.connected, HOST, 0) as listening:
        yield line, parse_bus(f"nats://{HOST}:{listening.sockets[0].getsockname()[1]}/lab")


def content_of(number: int) -> bytes:
    return number.to_bytes(4, "big") * (100 + 37 * (number % 29))


async def taken(reader: StreamReader, count: int) -> list[Delivered]:
    found: list[Delivered] = []
    async with asyncio.timeout(SECONDS):
        while len(found) < count:
            await asyncio.to_thread(reader.wait, 0.1)
            found += reader.take()
    return found


async def test_each_message_comes_once_however_often_the_line_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_reader, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(bus_module, "CLOSE_SECONDS", 0.05)
    with NatsServer(tmp_path) as server:
        await make_stream(server, "lab")
        subject = "peephole.lab.lan.packets"
        await publish(server, "lab", [(subject, content_of(number)) for number in range(COUNT)])
        lasts = iter([30_000, 1, 700, *range(20_000, 80_000, 9_001), *[1 << 40] * 5])
        async with line_to(server, lasts) as (line, bus):
            reader = StreamReader(bus, Since(), until_now=True)
            await asyncio.to_thread(reader.start)
            found = await taken(reader, COUNT)
            await asyncio.to_thread(reader.stop)
        assert [one.data for one in found] == [content_of(number) for number in range(COUNT)]
        assert [one.number for one in found] == list(range(1, COUNT + 1))
        assert line.connections > 5


async def test_a_server_that_stands_still_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_reader, "HEARTBEAT", 0.2)
    monkeypatch.setattr(stream_reader, "SILENCE", 0.75)
    monkeypatch.setattr(bus_module, "CONNECT_SECONDS", 0.5)
    with NatsServer(tmp_path) as server:
        await make_stream(server, "lab")
        await publish(server, "lab", [("peephole.lab.lan.packets", content_of(number)) for number in range(10)])
        reader = StreamReader(parse_bus(f"{server.url}/lab"), Since())
        await asyncio.to_thread(reader.start)
        found = await taken(reader, 10)
        server.suspend()
        async with asyncio.timeout(SECONDS):
            while reader.trouble is None or "silent" not in reader.trouble:
                await asyncio.to_thread(reader.wait, 0.05)
                assert not reader.take()
        server.resume()
        await publish(server, "lab", [("peephole.lab.lan.packets", content_of(number)) for number in range(10, 20)])
        found += await taken(reader, 10)
        await asyncio.to_thread(reader.stop)
        assert reader.trouble is None
        assert [one.data for one in found] == [content_of(number) for number in range(20)]
