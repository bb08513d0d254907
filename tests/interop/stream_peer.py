"""A real UDX or secret stream in a node process, and one of ours that talks to it over loopback."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import shake_256
from pathlib import Path
from typing import Any

import pytest

from protocol.messages import Address
from protocol.stream.events import DataReceived, MessageReceived, RemoteEnded, SecretEvent, StreamClosed
from protocol.stream.secret import SecretKeys, SecretStream
from protocol.stream.udx import UdxStream
from tests.interop.stream_shell import StreamShell

SCRIPTS = Path(__file__).parent.parent / "node"
PACKAGES = Path(os.environ.get("PEEPHOLE_NODE_PACKAGES", SCRIPTS)) / "node_modules"
OUR_ID, THEIR_ID = 11, 22
PATIENCE = 60.0
"""Seconds after which a conversation on loopback counts as failed."""
PIECE = 60_000


def ours(size: int) -> bytes:
    """What our side sends."""
    return shake_256(b"ours").digest(size)


def theirs(size: int) -> bytes:
    """What the peer sends (udx-peer.cjs)."""
    return shake_256(b"theirs").digest(size)


class Talk:
    """Our end of a conversation with a real peer."""

    def __init__(self, raw: UdxStream, data: bytes, *, end: bool, loss: float, secret: SecretKeys | None) -> None:
        self.raw = raw
        self.reading = True
        self.stream: UdxStream | SecretStream = self.raw
        self.secret = secret
        self.data = memoryview(data)
        self.end = end
        self.received = bytearray()
        self.messages: list[bytes] = []
        self.events: list[SecretEvent] = []
        self.closed = asyncio.Event()
        self.connected = False
        self.port = 0
        self._size = len(data)
        self._changed = asyncio.Event()
        self.shell = StreamShell(self, self.change, loss=loss)

    # What the shell needs of a machine: that of the stream which is there by now.

    def receive_datagram(self, datagram: bytes, addr: Address, now: float) -> None:
        self.stream.receive_datagram(datagram, addr, now)

    def poll_datagram(self, now: float) -> tuple[bytes, Address] | None:
        return self.stream.poll_datagram(now)

    def next_timeout(self) -> float | None:
        return self.stream.next_timeout()

    def handle_timeout(self, now: float) -> None:
        self.stream.handle_timeout(now)

    def start(self, port: int) -> None:
        self.port = port
        self.raw.connect(THEIR_ID, Address("127.0.0.1", port), self.shell.now)
        if self.secret is not None:
            self.stream = SecretStream(self.raw, self.secret, os.urandom(32))
        self.connected = True
        self.shell.pump()

    def change(self) -> None:
        self._changed.set()
        while self.reading and (event := self.stream.poll_event()) is not None:
            if isinstance(event, DataReceived):
                self.received += event.data
                continue
            if isinstance(event, MessageReceived):
                self.messages.append(event.data)
            self.events.append(event)
            if isinstance(event, StreamClosed):
                self.closed.set()
        while self.connected and self.data and self.raw.may_send:
            self.stream.send(bytes(self.data[:PIECE]))
            self.data = self.data[PIECE:]
        if self.connected and self.end and not self.data:
            self.end = False
            self.stream.end()
        if len(self.data) < self._size // 10 and RemoteEnded() in self.events:
            # A real peer forgets the stream with its last ack; that ack is not to be lost on purpose.
            self.shell.loss = 0.0

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for what datagrams bring about."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def talking(
    act: str,
    data: bytes = b"",
    *,
    end: bool = True,
    loss: float = 0.0,
    secret: SecretKeys | None = None,
    their_hash: bytes | None = None,
    raw: UdxStream | None = None,
    **options: Any,
) -> AsyncIterator[tuple[Talk, Any]]:
    """Our stream, connected, and what gives the peer's report once its stream is closed."""
    if not (PACKAGES / "udx-native").is_dir():
        pytest.fail(f"no npm packages in {PACKAGES}: run make node-packages")
    talk = Talk(raw or UdxStream(OUR_ID), data, end=end, loss=loss, secret=secret)
    asked: dict[str, Any] = {"port": talk.shell.port, "act": act, **options}
    if secret is not None:
        asked["framed"] = True
        asked["secret"] = {
            "initiator": not secret.initiator,
            "tx": secret.rx.hex(),
            "rx": secret.tx.hex(),
            "hash": (their_hash or secret.handshake_hash).hex(),
        }
    process = await asyncio.create_subprocess_exec(
        "node",
        "udx-peer.cjs",
        json.dumps(asked),
        cwd=SCRIPTS,
        env=os.environ | {"NODE_PATH": str(PACKAGES)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    output = process.stdout

    async def line() -> Any:
        async with asyncio.timeout(PATIENCE):
            return json.loads(await output.readline())

    try:
        talk.start((await line())["port"])
        yield talk, line
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        talk.shell.close()
