"""A relay and its two clients, each ours or a real one in a process of its own, over loopback."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Callable
from hashlib import shake_256
from itertools import count
from typing import Any

from protocol.blind_relay.client import ClientEvent, Paired, RelayClient, RelayClosed
from protocol.blind_relay.events import ServerEvent
from protocol.blind_relay.server import RelayServer
from protocol.blind_relay.session import RelaySession
from protocol.messages import Address
from protocol.stream.events import DataReceived, RemoteEnded, SecretEvent, SendBufferDrained, StreamClosed
from protocol.stream.secret import RANDOM_SIZE, SecretKeys, SecretStream
from protocol.stream.udx import UdxStream
from tests.interop.stream_peer import PACKAGES, PIECE, SCRIPTS, ours, theirs

LOOPBACK = "127.0.0.1"
PATIENCE = 60.0
"""Seconds after which something on loopback counts as failed."""
TOKEN = shake_256(b"token").digest(32)
KEEPALIVE = 5.0


def keys(label: str, initiator: bool) -> SecretKeys:
    """What a handshake would have left; both ends get theirs from the same label."""
    there, back = (shake_256(f"{label} {n}".encode()).digest(32) for n in range(2))
    tx, rx = (there, back) if initiator else (back, there)
    return SecretKeys(initiator, tx, rx, shake_256(label.encode()).digest(64))


def public_key(name: str) -> bytes:
    return shake_256(f"public {name}".encode()).digest(32)


class Hub:
    """One UDP socket, and the secret streams that share it; what has no stream goes to `other`."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            self.socket.setsockopt(socket.SOL_SOCKET, option, 1 << 20)
        self.socket.bind((LOOPBACK, 0))
        self.port: int = self.socket.getsockname()[1]
        self.streams: dict[int, tuple[SecretStream | UdxStream, Callable[[SecretEvent], None]]] = {}
        self.changed = asyncio.Event()
        self.unsent_datagrams = 0
        self._timer: asyncio.TimerHandle | None = None
        self.loop.add_reader(self.socket, self._readable)

    @property
    def now(self) -> float:
        return self.loop.time()

    def other(self, datagram: bytes, source: Address) -> None:
        """A datagram for none of the streams."""

    def relayed(self) -> list[tuple[bytes, Address]]:
        """Datagrams of no stream of our own."""
        return []

    def due(self) -> float | None:
        return None

    def woken(self) -> None:
        """Its time has come."""

    def secret(
        self, stream_id: int, remote_id: int, to: Address, of: SecretKeys, told: Callable[[SecretEvent], None]
    ) -> SecretStream:
        raw = UdxStream(stream_id)
        raw.connect(remote_id, to, self.now)
        stream = SecretStream(raw, of, os.urandom(RANDOM_SIZE), keepalive=KEEPALIVE)
        self.streams[stream_id] = stream, told
        return stream

    def pump(self) -> None:
        for stream, told in list(self.streams.values()):
            while (event := stream.poll_event()) is not None:
                told(event)
        for stream, _ in list(self.streams.values()):
            while (out := stream.poll_datagram(self.now)) is not None:
                self._send(*out)
        for data, to in self.relayed():
            self._send(data, to)
        times = [stream.next_timeout() for stream, _ in self.streams.values()] + [self.due()]
        at = min((time for time in times if time is not None), default=None)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if at is None else self.loop.call_at(at, self._due)
        self.changed.set()

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    async def close(self) -> None:
        self.loop.remove_reader(self.socket)
        self.socket.close()
        if self._timer is not None:
            self._timer.cancel()

    def _send(self, data: bytes, to: Address) -> None:
        try:
            self.socket.sendto(data, to)
        except BlockingIOError:
            self.unsent_datagrams += 1

    def _due(self) -> None:
        self._timer = None
        for stream, _ in self.streams.values():
            stream.handle_timeout(self.now)
        self.woken()
        self.pump()

    def _readable(self) -> None:
        for _ in range(64):
            try:
                datagram, (host, port) = self.socket.recvfrom(2048)
            except BlockingIOError:
                break
            source = Address(host, port)
            found = self.streams.get(int.from_bytes(datagram[4:8], "little"))
            if found is None:
                self.other(datagram, source)
            else:
                found[0].receive_datagram(datagram, source, self.now)
        self.pump()


class OurRelay(Hub):
    """Our relay; a client's secret stream is connected by its first packet, as a handshake would."""

    def __init__(self, clients: dict[int, tuple[str, int]]) -> None:
        super().__init__()
        ids = count(7000)
        self.clients = clients
        self.server = RelayServer(lambda: next(ids))
        self.sessions: dict[str, RelaySession] = {}
        self.carriers: dict[RelaySession, SecretStream] = {}
        self.events: list[ServerEvent] = []

    def other(self, datagram: bytes, source: Address) -> None:
        if self.server.receive_datagram(datagram, source, 0, self.now):
            return
        stream_id = int.from_bytes(datagram[4:8], "little")
        if stream_id in self.clients:
            self._accept(stream_id, source)
            self.streams[stream_id][0].receive_datagram(datagram, source, self.now)

    def relayed(self) -> list[tuple[bytes, Address]]:
        found = []
        while (out := self.server.poll_datagram()) is not None:
            found.append((out.data, out.to))
        while (event := self.server.poll_event()) is not None:
            self.events.append(event)
        return found

    def due(self) -> float | None:
        return self.server.next_timeout()

    def woken(self) -> None:
        self.server.handle_timeout(self.now)

    def _accept(self, stream_id: int, source: Address) -> None:
        name, remote_id = self.clients[stream_id]
        accepted = self.server.accept(public_key(name), source)
        assert accepted is not None
        session = self.sessions[name] = accepted

        def told(event: SecretEvent) -> None:
            if isinstance(event, DataReceived):
                session.receive(event.data, self.now)
            elif isinstance(event, RemoteEnded | StreamClosed):
                session.stream_closed()
                if stream.raw.may_send:
                    stream.end()
            self.flush()

        stream = self.carriers[session] = self.secret(stream_id, remote_id, source, keys(name, False), told)
        self.flush()

    def flush(self) -> None:
        for session in self.server.take_ready():
            stream = self.carriers[session]
            while stream.raw.may_send and (message := session.poll_message()) is not None:
                stream.send(message)


class OurClient(Hub):
    """Our client: asks, then exchanges what it has with its partner."""

    def __init__(
        self, name: str, is_initiator: bool, relay_port: int, ids: tuple[int, int, int], size: int, act: str
    ) -> None:
        super().__init__()
        control_id, remote_id, self.data_id = ids
        self.relay = Address(LOOPBACK, relay_port)
        self.control = self.secret(control_id, remote_id, self.relay, keys(name, True), self._on_control)
        self.client = RelayClient(public_key(name))
        self.client.pair(is_initiator, TOKEN, self.data_id)
        self.is_initiator = is_initiator
        self.act = act
        self.unsent = memoryview(ours(size))
        self.events: list[ClientEvent] = []
        self.data_events: list[SecretEvent] = []
        self.received = bytearray()
        self.data: SecretStream | None = None
        self._flush()
        self.pump()

    def _on_control(self, event: SecretEvent) -> None:
        if isinstance(event, DataReceived):
            self.client.receive(event.data)
        elif isinstance(event, RemoteEnded | StreamClosed):
            self.client.stream_closed()
        self._flush()

    def _flush(self) -> None:
        while self.control.raw.may_send and (message := self.client.poll_message()) is not None:
            self.control.send(message)
        while (event := self.client.poll_event()) is not None:
            self.events.append(event)
            if isinstance(event, Paired):
                data_keys = keys("data", self.is_initiator)
                self.data = self.secret(self.data_id, event.remote_id, self.relay, data_keys, self._on_data)
                self._write()

    def _on_data(self, event: SecretEvent) -> None:
        if isinstance(event, DataReceived):
            self.received += event.data
            if self.act == "destroy" and self.data is not None:
                self.data.destroy()
        elif isinstance(event, SendBufferDrained):
            self._write()
        else:
            self.data_events.append(event)
        if isinstance(event, RemoteEnded):
            self._write()

    def pump(self) -> None:
        super().pump()
        if self.streams_over and self.control.raw.may_send:
            # Only now: the relay lets go of the pair, and the partner needs our last ack.
            self.client.destroy()
            self._flush()
            self.control.end()
            super().pump()

    def _write(self) -> None:
        assert self.data is not None
        while self.unsent and self.data.raw.may_send:
            self.data.send(bytes(self.unsent[:PIECE]))
            self.unsent = self.unsent[PIECE:]
        ready = self.act == "exchange" or (self.act == "answer" and RemoteEnded() in self.data_events)
        if not self.unsent and ready and self.data.raw.may_send:
            self.data.end()

    async def report(self) -> dict[str, Any]:
        """As a real client's, once its relayed stream is over, or there will be none."""
        await self.until(lambda: self.streams_over)
        return {
            "read": len(self.received),
            "ended": RemoteEnded() in self.data_events,
            "data": bytes(self.received),
            "close": self.data_events[-1] if self.data_events else None,
        }

    @property
    def streams_over(self) -> bool:
        if self.data is None:
            return any(isinstance(event, RelayClosed) for event in self.events)
        return any(isinstance(event, StreamClosed) for event in self.data_events)


class Real:
    """A real relay or client."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []

    @classmethod
    async def start(cls, **options: Any) -> Real:
        process = await asyncio.create_subprocess_exec(
            "node",
            "relay-peers.cjs",
            json.dumps(options),
            cwd=SCRIPTS,
            env=os.environ | {"NODE_PATH": str(PACKAGES)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return cls(process)

    async def line(self, name: str) -> dict[str, Any]:
        """The next line that tells `name`."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while name not in (found := json.loads(await self.process.stdout.readline())):
                self.lines.append(found)
        return dict(found)

    async def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"go\n")
        await self.process.stdin.drain()

    async def close(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


def as_options(of: SecretKeys) -> dict[str, Any]:
    return {"initiator": of.initiator, "tx": of.tx.hex(), "rx": of.rx.hex(), "hash": of.handshake_hash.hex()}


__all__ = ["TOKEN", "OurClient", "OurRelay", "Real", "as_options", "keys", "ours", "public_key", "theirs"]
