"""Our UDX and secret streams with the real ones of npm over loopback, with and without loss."""

from __future__ import annotations

from hashlib import sha256

import pytest

from protocol.messages import Address
from protocol.stream.events import CloseReason, RemoteChanged, RemoteEnded, SecretOpened, StreamClosed
from protocol.stream.packet import DESTROY, HEARTBEAT
from protocol.stream.secret import SecretKeys
from protocol.stream.udx import UdxStream
from tests.interop.stream_peer import OUR_ID, THEIR_ID, ours, talking, theirs
from tests.interop.stream_shell import Forwarder

pytestmark = pytest.mark.node

MIB = 1 << 20
KEYS = bytes(range(32)), bytes(range(32, 64))
CLIENT = SecretKeys(True, *KEYS, bytes(range(64)))
SERVER = SecretKeys(False, *KEYS, bytes(range(64)))
PLAIN_OR_SECRET = pytest.mark.parametrize("secret", [None, CLIENT, SERVER], ids=["udx", "client", "server"])


@PLAIN_OR_SECRET
@pytest.mark.parametrize("loss", [0.0, 0.05])
async def test_a_mebibyte_each_way_and_both_ends(secret: SecretKeys | None, loss: float) -> None:
    async with talking("exchange", ours(MIB), size=MIB, loss=loss, secret=secret) as (talk, report):
        saw = await report()
        await talk.until(talk.closed.is_set)
    assert talk.received == theirs(MIB)
    assert saw["sha256"] == sha256(ours(MIB)).hexdigest()
    assert saw["ended"]
    assert saw["error"] is None
    assert RemoteEnded() in talk.events
    assert talk.events[-1] == StreamClosed(CloseReason.ENDED)
    assert (SecretOpened() in talk.events) == (secret is not None)
    assert (talk.shell.lost > 20) == (loss > 0)


@PLAIN_OR_SECRET
async def test_what_we_send_comes_back(secret: SecretKeys | None) -> None:
    async with talking("echo", ours(200_000), end=False, secret=secret) as (talk, report):
        await talk.until(lambda: len(talk.received) == 200_000)
        for number in range(3):
            assert talk.stream.send_message(bytes((number,)) * 1000)
        talk.shell.pump()
        await talk.until(lambda: len(talk.messages) == 3)
        talk.stream.end()
        talk.shell.pump()
        saw = await report()
        await talk.until(talk.closed.is_set)
    assert talk.received == ours(200_000)
    assert sorted(talk.messages) == [bytes((number,)) * 1000 for number in range(3)]
    assert len(saw["messages"]) == 3
    assert talk.events[-1] == StreamClosed(CloseReason.ENDED)


@PLAIN_OR_SECRET
async def test_their_destroy_is_seen(secret: SecretKeys | None) -> None:
    async with talking("destroy", ours(MIB), end=False, size=300_000, secret=secret) as (talk, report):
        saw = await report()
        await talk.until(talk.closed.is_set)
    assert 300_000 <= saw["read"] <= MIB
    assert talk.events[-1] == StreamClosed(CloseReason.RESET)
    assert any(flags & DESTROY for flags in talk.shell.seen)


@PLAIN_OR_SECRET
async def test_our_destroy_is_seen(secret: SecretKeys | None) -> None:
    async with talking("echo", ours(MIB), end=False, secret=secret) as (talk, report):
        await talk.until(lambda: len(talk.received) > 100_000)
        talk.stream.destroy()
        talk.shell.pump()
        saw = await report()
    assert saw["error"] == "ECONNRESET"
    assert not saw["ended"]
    assert talk.events[-1] == StreamClosed(CloseReason.DESTROYED)


async def test_their_heartbeats_are_answered() -> None:
    async with talking("echo", b"x", end=False, keepalive=50) as (talk, report):
        await talk.until(lambda: sum(bool(flags & HEARTBEAT) for flags in talk.shell.seen) >= 3)
        assert talk.raw.counters.packets_sent >= 4
        talk.stream.end()
        talk.shell.pump()
        saw = await report()
        await talk.until(talk.closed.is_set)
    assert saw["read"] == 1


async def test_they_answer_our_heartbeats() -> None:
    async with talking("echo", b"x", end=False, raw=UdxStream(OUR_ID, keepalive=0.05)) as (talk, report):
        await talk.until(lambda: talk.received == b"x")
        before = talk.raw.counters.packets_received
        await talk.until(lambda: talk.raw.counters.packets_received >= before + 3)
        assert talk.shell.seen[-1] == 0
        talk.stream.end()
        talk.shell.pump()
        saw = await report()
    assert saw["read"] == 1
    assert saw["ended"]


async def test_they_wait_for_a_reader_that_does_not_read() -> None:
    window = 30_000
    async with talking("exchange", b"x", size=MIB, raw=UdxStream(OUR_ID, receive_window=window)) as (talk, report):
        talk.reading = False
        await talk.until(lambda: any(flags & HEARTBEAT for flags in talk.shell.seen))
        assert window - 1500 <= talk.raw.receiver.incoming.unread <= window + 1500
        talk.reading = True
        talk.shell.pump()
        saw = await report()
        await talk.until(talk.closed.is_set)
    assert saw["error"] is None
    assert talk.received == theirs(MIB)
    assert talk.events[-1] == StreamClosed(CloseReason.ENDED)


async def test_their_empty_messages_are_kept_from_the_application() -> None:
    async with talking("echo", b"x", end=False, secret=CLIENT, keepAlive=50) as (talk, report):
        await talk.until(lambda: talk.stream.keepalives >= 3)  # type: ignore[union-attr]
        talk.stream.end()
        talk.shell.pump()
        await report()
        await talk.until(talk.closed.is_set)
    assert talk.received == b"x"
    assert talk.events[-1] == StreamClosed(CloseReason.ENDED)


async def test_they_move_to_another_port_of_ours() -> None:
    forwarder = Forwarder()
    try:
        async with talking("move", ours(MIB), size=MIB, port2=forwarder.port) as (talk, report):
            forwarder.target = Address("127.0.0.1", talk.shell.port)
            saw = await report()
            await talk.until(talk.closed.is_set)
    finally:
        forwarder.close()
    assert saw["changed"]
    assert forwarder.forwarded > 10
    assert talk.received == theirs(MIB)
    assert saw["sha256"] == sha256(ours(MIB)).hexdigest()


async def test_we_move_to_another_port_of_theirs() -> None:
    forwarder = Forwarder()
    try:
        async with talking("exchange", ours(MIB), size=MIB) as (talk, report):
            forwarder.target = Address("127.0.0.1", talk.port)
            await talk.until(lambda: len(talk.received) > 100_000)
            there = Address("127.0.0.1", forwarder.port)
            talk.raw.change_remote(THEIR_ID, there)
            saw = await report()
            await talk.until(talk.closed.is_set)
    finally:
        forwarder.close()
    assert RemoteChanged(there) in talk.events
    assert forwarder.forwarded > 10
    assert talk.received == theirs(MIB)
    assert saw["sha256"] == sha256(ours(MIB)).hexdigest()


async def test_another_handshake_is_refused_by_both() -> None:
    async with talking("echo", b"x", end=False, secret=CLIENT, their_hash=bytes(64)) as (talk, report):
        saw = await report()
        await talk.until(talk.closed.is_set)
    assert saw["read"] == 0
    assert saw["error"] in ("Invalid header received", "ECONNRESET")
    assert talk.events[-1].reason in (CloseReason.FORGED, CloseReason.RESET)  # type: ignore[union-attr]
    assert not talk.received
