"""Getting in: who is refused, what is said of it, and that nothing secret is in it."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from capture.sensors.bus import Bus, BusAddressError, BusError, connect, parse_bus
from tests.nats.certificates import Certificates, make_certificates
from tests.nats.credentials import Operator
from tests.nats.server import NatsServer, running_server


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("pem"))


async def refusal(bus: Bus) -> str:
    with pytest.raises(BusError) as caught:
        await connect(bus, "test")
    assert "hunter2" not in str(caught.value)
    assert str(caught.value).startswith(bus.server + ": ")
    return caught.value.reason


async def gets_in(bus: Bus) -> None:
    client = await connect(bus, "test")
    await client.flush()
    await client.close()


@pytest.mark.parametrize(
    ("text", "server", "stream"),
    [
        ("nats://h", "nats://h:4222", "peephole"),
        ("tls://h:1/lab", "tls://h:1", "lab"),
        ("nats://[::1]:5/a_b-c/", "nats://[::1]:5", "a_b-c"),
    ],
)
def test_addresses(text: str, server: str, stream: str) -> None:
    bus = parse_bus(text)
    assert (bus.server, bus.stream) == (server, stream)


def test_a_password_is_nowhere_but_in_its_field() -> None:
    bus = parse_bus("nats://ann:hunter%32@h")
    assert bus.password == "hunter2"
    assert "hunter2" not in f"{bus!r} {bus.name} {bus.server}"


@pytest.mark.parametrize(
    "text",
    [
        "h",
        "http://h",
        "nats://",
        "nats://u:hunter2@h:x",
        "nats://u:hunter2@h/a.b",
        "nats://h/>",
        "nats://h/s?x",
        "tls://[h",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(BusAddressError) as caught:
        parse_bus(text)
    assert "hunter2" not in str(caught.value)


async def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        bus = Bus("127.0.0.1", taken.getsockname()[1], user="ann", password="hunter2")
        assert "refused" in await refusal(bus)


async def test_something_else_there() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await refusal(Bus("127.0.0.1", port)) == "something else than a NATS server answers there"


async def test_users(tmp_path: Path) -> None:
    with NatsServer(tmp_path, users={"ann": "hunter2"}) as server:
        await gets_in(parse_bus(server.url_of("ann", "hunter2")))
        assert "does not let us in" in await refusal(parse_bus(server.url_of("bob", "hunter2")))
        assert "does not let us in" in await refusal(parse_bus(server.url))


async def test_certificates(tmp_path: Path, tls: Certificates) -> None:
    with NatsServer(tmp_path, tls=tls, verify=True) as server:
        bus = replace(parse_bus(server.url), authority=str(tls.authority))
        assert "a certificate of ours" in await refusal(bus)
        assert "--nats-ca" in await refusal(parse_bus(server.url))
        pair = replace(bus, certificate=str(tls.client.certificate), key=str(tls.client.key))
        await gets_in(pair)
        assert "is not trusted" in await refusal(replace(pair, authority=None))


async def test_files_that_hold_no_certificate(tmp_path: Path, tls: Certificates) -> None:
    junk = tmp_path / "junk"
    junk.write_text("hello")
    bus = Bus("127.0.0.1", secure=True, authority=str(junk))
    for one in (
        bus,
        replace(bus, authority=str(tmp_path / "none")),
        replace(bus, authority=None, certificate=str(junk)),
        replace(bus, authority=None, certificate=str(tls.client.certificate), key=str(tls.server.key)),
    ):
        with pytest.raises(BusError, match=r"can't be used|can be read"):
            await connect(one, "test")


async def test_nobody_takes_tls_away(tmp_path: Path, tls: Certificates) -> None:
    """Somebody in between says that there is no TLS: the password must not reach him."""
    came = b""

    async def pretend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal came
        writer.write(b'INFO {"server_id":"x","version":"2.15.1","max_payload":1048576,"headers":true}\r\n')
        came += await reader.read()
        writer.close()

    async with await asyncio.start_server(pretend, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        bus = Bus("127.0.0.1", port, secure=True, user="ann", password="hunter2", authority=str(tls.authority))
        assert await refusal(bus) == "does not offer TLS; nothing was sent"
    assert came == b""


async def test_nobody_is_asked_but_who_was_named(tmp_path: Path) -> None:
    """A server may name others of its cluster: when it is gone, none of them hears of us."""
    asked = asyncio.Event()
    gone = asyncio.Event()

    async def other(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        writer.close()

    async def first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        urls = f'["127.0.0.1:{elsewhere}"]'
        writer.write(
            b'INFO {"server_id":"x","max_payload":1048576,"headers":true,"connect_urls":%b}\r\n' % urls.encode()
        )
        while line := await reader.readline():
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")
                break
        writer.close()
        gone.set()

    async with await asyncio.start_server(other, "127.0.0.1", 0) as second:
        elsewhere = second.sockets[0].getsockname()[1]
        async with await asyncio.start_server(first, "127.0.0.1", 0) as server:
            client = await connect(Bus("127.0.0.1", server.sockets[0].getsockname()[1]), "test")
            await gone.wait()
            while not client.is_closed:
                await asyncio.sleep(0)
            await client.close()
    assert not asked.is_set()


async def test_the_server_may_insist_on_tls(tmp_path: Path, tls: Certificates) -> None:
    with NatsServer(tmp_path, tls=tls) as server:
        assert "is not trusted" in await refusal(Bus("127.0.0.1", server.port))
        await gets_in(Bus("127.0.0.1", server.port, authority=str(tls.authority)))


async def test_without_anything(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        await gets_in(parse_bus(server.url))


async def test_credentials(tmp_path: Path) -> None:
    """A JWT and an nkey, as hosted servers want them."""
    operator = Operator()
    creds = operator.write_user(tmp_path / "user.creds")
    stranger = Operator().write_user(tmp_path / "stranger.creds")
    with NatsServer(tmp_path, configuration=operator.configuration) as server:
        bus = parse_bus(server.url)
        await gets_in(replace(bus, credentials=str(creds)))
        for wrong in (None, str(stranger)):
            assert "does not let us in" in await refusal(replace(bus, credentials=wrong))


@pytest.mark.parametrize(
    "content", [None, "", "-----BEGIN USER NKEY SEED-----\nhunter2\n", "{jwt}\n{seed}hunter2\n----\n"]
)
async def test_files_that_hold_no_credentials(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "user.creds"
    if content is not None:
        path.write_text(content.format(jwt="BEGIN NATS USER JWT-----\nx", seed="BEGIN USER NKEY SEED-----\n"))
    with pytest.raises(BusError, match="credentials") as caught:
        await connect(Bus("127.0.0.1", 1, credentials=str(path)), "test")
    assert caught.value.path == str(path)
    assert "hunter2" not in str(caught.value)
