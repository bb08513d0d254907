"""The server of the tests: it keeps what it has over a restart, and refuses whom it should."""

from __future__ import annotations

import ssl
from pathlib import Path

import nats
import nats.errors
import pytest

from tests.nats.certificates import make_certificates
from tests.nats.server import NatsServer, running_server


async def test_a_stream_outlives_a_kill_on_the_same_port(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        client = await nats.connect(server.url)
        await client.jetstream().add_stream(name="s", subjects=["s.>"])
        await client.jetstream().publish("s.x", b"kept")
        await client.close()
        before = server.url
        server.restart()
        assert server.url == before
        client = await nats.connect(server.url)
        assert (await client.jetstream().stream_info("s")).state.messages == 1
        await client.close()


async def test_users_and_certificates_are_asked_for(tmp_path: Path) -> None:
    tls = make_certificates(tmp_path / "pem")
    with NatsServer(tmp_path, users={"ann": "secret"}, tls=tls, verify=True) as server:
        context = ssl.create_default_context(cafile=str(tls.authority))
        with pytest.raises((ssl.SSLError, nats.errors.Error, ConnectionError)):
            await nats.connect(server.url_of("ann", "secret"), tls=context, allow_reconnect=False)
        context.load_cert_chain(tls.client.certificate, tls.client.key)
        client = await nats.connect(server.url_of("ann", "secret"), tls=context, allow_reconnect=False)
        await client.close()
        with pytest.raises(nats.errors.Error, match="Authorization Violation"):
            await nats.connect(server.url_of("ann", "wrong"), tls=context, allow_reconnect=False)
