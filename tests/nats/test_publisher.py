"""Publishing to a real server: everything arrives once and in order, whatever happens to the server meanwhile."""

from __future__ import annotations

import threading
from pathlib import Path

import nats
import pytest
from nats.js.api import DiscardPolicy, StreamConfig

from capture.sensors.bus import BusError, parse_bus
from capture.sensors.outbox import Outbox
from capture.sensors.published_stream import Limits
from capture.sensors.publisher import Publisher
from tests.nats.certificates import make_certificates
from tests.nats.server import NatsServer, running_server

SUBJECT = "peephole.live.inside.packets"


def _publisher(server: NatsServer, outbox: Outbox, create: Limits | None, said: list[str] | None = None) -> Publisher:
    heard: list[str] = [] if said is None else said
    return Publisher(parse_bus(f"{server.url}/live"), "inside", outbox, create, heard.append)


async def _stored(server: NatsServer, url: str | None = None) -> list[tuple[str, bytes]]:
    """Ids and bytes of everything in the stream."""
    client = await nats.connect(url or server.url)
    stream = client.jetstream()
    count = (await stream.stream_info("live")).state.messages
    found = []
    for sequence in range(1, count + 1):
        message = await stream.get_msg("live", sequence)
        assert message.headers is not None
        assert message.data is not None
        found.append((message.headers["Nats-Msg-Id"], message.data))
    await client.close()
    return found


def _put(publisher: Publisher, numbers: range) -> None:
    for number in numbers:
        publisher.put(SUBJECT, f"inside.run.{number}", b"%d" % number)


def _expected(count: int) -> list[tuple[str, bytes]]:
    return [(f"inside.run.{number}", b"%d" % number) for number in range(count)]


async def test_what_is_put_in_is_stored_in_order_in_a_stream_that_is_made(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        publisher = _publisher(server, Outbox(), Limits(bytes=1 << 20, age=3600))
        publisher.start()
        _put(publisher, range(300))
        assert publisher.finish(20) == 0
        assert await _stored(server) == _expected(300)
        client = await nats.connect(server.url)
        config = (await client.jetstream().stream_info("live")).config
        await client.close()
        assert (config.subjects, config.max_bytes, config.max_age) == (["peephole.live.>"], 1 << 20, 3600)


async def test_a_killed_server_loses_nothing_and_stores_nothing_twice(tmp_path: Path) -> None:
    said: list[str] = []
    with running_server(tmp_path) as server:
        publisher = _publisher(server, Outbox(), Limits(), said)
        publisher.start()
        _put(publisher, range(100))
        server.kill()
        _put(publisher, range(100, 200))
        server.start()
        _put(publisher, range(200, 300))
        assert publisher.finish(20) == 0
        assert await _stored(server) == _expected(300)
        assert publisher.reconnects == 1
        assert "trying again" in said[0]
        assert said[-1] == f"{server.url}: connected again"


async def test_while_the_server_is_away_the_outbox_fills_and_whoever_fills_it_can_wait(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        outbox = Outbox(most_bytes=1000)
        publisher = _publisher(server, outbox, Limits())
        publisher.start()
        server.kill()
        for number in range(10):
            publisher.put(SUBJECT, f"inside.run.{number}", bytes(100))
        assert publisher.full
        assert not publisher.wait_for_room(0.01)
        server.start()
        assert publisher.wait_for_room(20)
        assert publisher.finish(20) == 0
        assert len(await _stored(server)) == 10


def test_leaving_without_a_server_says_how_much_was_not_sent(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        publisher = _publisher(server, Outbox(), Limits())
        publisher.start()
        server.kill()
        _put(publisher, range(7))
        leave = threading.Event()
        leave.set()
        assert publisher.finish(60, leave.is_set) == 7


def test_what_can_not_be_used_is_said_at_once(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        with pytest.raises(BusError, match=r"has no stream live; --create makes it"):
            _publisher(server, Outbox(), None).start()
        server.stop()
        with pytest.raises(BusError, match=r"can't be reached"):
            _publisher(server, Outbox(), None).start()


def test_a_server_without_streams_says_so(tmp_path: Path) -> None:
    with (
        NatsServer(tmp_path, jetstream=False) as server,
        pytest.raises(BusError, match=r"has no JetStream"),
    ):
        _publisher(server, Outbox(), Limits()).start()


def test_a_server_that_takes_small_messages_only_says_so(tmp_path: Path) -> None:
    with (
        NatsServer(tmp_path, configuration="max_payload: 65536") as server,
        pytest.raises(BusError, match=r"takes messages of 65536 bytes at most"),
    ):
        _publisher(server, Outbox(), Limits()).start()


async def test_a_stream_that_takes_small_messages_only_says_so(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        client = await nats.connect(server.url)
        await client.jetstream().add_stream(name="live", subjects=["peephole.live.>"], max_msg_size=1000)
        await client.close()
        with pytest.raises(BusError, match=r"takes messages of 1000 bytes at most; max_msg_size of the stream"):
            _publisher(server, Outbox(), None).start()


async def test_a_stream_of_other_subjects_says_so(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        client = await nats.connect(server.url)
        await client.jetstream().add_stream(name="live", subjects=["other.>"])
        await client.close()
        outbox = Outbox()
        outbox.put(SUBJECT, "inside.run.0", b"0")
        with pytest.raises(BusError, match=r"no stream stores peephole\.live\.>"):
            _publisher(server, outbox, None).start()


async def test_a_full_stream_is_said_and_what_it_refused_is_stored_when_there_is_room(tmp_path: Path) -> None:
    said: list[str] = []
    with running_server(tmp_path) as server:
        client = await nats.connect(server.url)
        stream = client.jetstream()
        config = {"name": "live", "subjects": ["peephole.live.>"], "discard": DiscardPolicy.NEW}
        await stream.add_stream(StreamConfig(**config, max_msgs=2))  # type: ignore[arg-type]
        full = threading.Event()
        outbox = Outbox()
        bus = parse_bus(f"{server.url}/live")
        publisher = Publisher(bus, "inside", outbox, None, lambda text: (said.append(text), full.set())[1])
        publisher.start()
        _put(publisher, range(4))
        assert full.wait(20)
        await stream.update_stream(StreamConfig(**config, max_msgs=9))  # type: ignore[arg-type]
        await client.close()
        assert publisher.finish(20) == 0
        assert sorted(await _stored(server)) == _expected(4)
    assert "does not store a record: maximum messages exceeded" in said[0]


async def test_who_may_only_publish_publishes_and_who_may_not_is_told(tmp_path: Path) -> None:
    tls = make_certificates(tmp_path / "pem")
    users = {"sensor": "one", "guest": "two", "owner": "three"}
    rights = {
        "sensor": '{publish: "peephole.live.inside.>", subscribe: "_INBOX.>"}',
        "guest": '{publish: "other", subscribe: "_INBOX.>"}',
    }
    (tmp_path / "nats").mkdir()
    with NatsServer(tmp_path / "nats", users=users, permissions=rights, tls=tls) as server:

        def publisher(user: str, create: Limits | None = None) -> Publisher:
            from dataclasses import replace

            bus = parse_bus(f"{server.url_of(user, users[user])}/live")
            outbox = Outbox()
            outbox.put(SUBJECT, "inside.run.0", b"0")
            return Publisher(replace(bus, authority=str(tls.authority)), "inside", outbox, create)

        maker = publisher("owner", Limits())
        maker.start()
        assert maker.finish(20) == 0
        sensor = publisher("sensor")
        sensor.start()
        _put(sensor, range(1, 5))
        assert sensor.finish(20) == 0
        with pytest.raises(BusError, match=r"[Pp]ermissions [Vv]iolation"):
            publisher("guest").start()
