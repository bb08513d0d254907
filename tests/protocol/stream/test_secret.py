"""Secret streams: over a simulated link with each other, and against every byte that is not theirs."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.messages import Address
from protocol.stream.events import (
    CloseReason,
    DataReceived,
    MessageReceived,
    RemoteEnded,
    SecretEvent,
    SecretOpened,
    StreamClosed,
)
from protocol.stream.frames import FrameReader, frame
from protocol.stream.packet import DATA, END, MESSAGE, build, parse
from protocol.stream.sealing import MessageCipher, OrderedCipher, stream_id
from protocol.stream.secret import MAX_MESSAGE, MAX_UNORDERED, SecretKeys, SecretStream
from protocol.stream.states import LocalProtocolError
from protocol.stream.udx import UdxStream

PEER = Address("198.51.100.2", 2002)
CLIENT_KEY, SERVER_KEY, HASH = bytes(range(32)), bytes(range(32, 64)), bytes(range(64))
CLIENT = SecretKeys(True, CLIENT_KEY, SERVER_KEY, HASH)
SERVER = SecretKeys(False, SERVER_KEY, CLIENT_KEY, HASH)
HEADER = bytes(range(100, 124))


def secret(keys: SecretKeys, *, keepalive: float | None = None) -> SecretStream:
    raw = UdxStream(1 if keys.initiator else 2)
    raw.connect(2 if keys.initiator else 1, PEER, 0.0)
    return SecretStream(raw, keys, random.Random(keys.initiator).randbytes(32), keepalive=keepalive)


def drain(stream: SecretStream) -> list[SecretEvent]:
    events = []
    while (event := stream.poll_event()) is not None:
        events.append(event)
    return events


class Pair:
    """A client's and a server's stream with nothing between them but an order."""

    def __init__(self, *, keepalive: float | None = None) -> None:
        self.client, self.server = secret(CLIENT, keepalive=keepalive), secret(SERVER, keepalive=keepalive)
        self.seen: dict[SecretStream, list[SecretEvent]] = {self.client: [], self.server: []}
        self.now = 0.0

    def run(self, feed: Callable[[], None] = lambda: None) -> None:
        """Until both are quiet."""
        busy = True
        while busy:
            feed()
            busy = False
            for sender, receiver in ((self.client, self.server), (self.server, self.client)):
                while (out := sender.poll_datagram(self.now)) is not None:
                    receiver.receive_datagram(out[0], PEER, self.now)
                    busy = True
                self.seen[receiver] += drain(receiver)
            deadlines = [at for s in (self.client, self.server) if (at := s.raw.sender.next_at) < self.now + 0.5]
            if deadlines:
                self.now = max(self.now, *deadlines)
                self.client.handle_timeout(self.now)
                self.server.handle_timeout(self.now)
                busy = True

    def messages(self, stream: SecretStream) -> list[bytes]:
        return [event.data for event in self.seen[stream] if isinstance(event, DataReceived)]


def test_messages_arrive_as_they_were_sent() -> None:
    pair = Pair()
    pair.client.send(b"one")
    pair.client.send(bytes(5000))
    pair.server.send(b"three")
    pair.run()
    assert pair.messages(pair.server) == [b"one", bytes(5000)]
    assert pair.messages(pair.client) == [b"three"]
    assert pair.seen[pair.server][0] == pair.seen[pair.client][0] == SecretOpened()


def test_a_mebibyte_each_way_and_the_end() -> None:
    pair = Pair()
    data = random.Random(4).randbytes(1 << 20)
    parts = {stream: [data[at : at + 60_000] for at in range(0, len(data), 60_000)] for stream in pair.seen}

    def feed() -> None:
        for stream, left in parts.items():
            while left and stream.raw.may_send:
                stream.send(left.pop(0))
                if not left:
                    stream.end()

    pair.run(feed)
    for stream in pair.seen:
        assert b"".join(pair.messages(stream)) == data
        assert RemoteEnded() in pair.seen[stream]
        assert pair.seen[stream][-1] == StreamClosed(CloseReason.ENDED)


def test_the_largest_message_and_one_more() -> None:
    stream = secret(CLIENT)
    with pytest.raises(LocalProtocolError, match="at most 16777198"):
        stream.send(bytes(MAX_MESSAGE + 1))
    assert stream.send(b"the cipher was not moved on by that")
    assert not stream.send(bytes(MAX_MESSAGE))
    with pytest.raises(LocalProtocolError, match="full"):
        stream.send(b"")


def test_unordered_messages() -> None:
    pair = Pair()
    assert pair.client.send_message(b"by the side")
    assert pair.server.send_message(bytes(MAX_UNORDERED))
    pair.run()
    assert MessageReceived(b"by the side") in pair.seen[pair.server]
    assert MessageReceived(bytes(MAX_UNORDERED)) in pair.seen[pair.client]
    with pytest.raises(LocalProtocolError, match="1129 bytes"):
        pair.client.send_message(bytes(MAX_UNORDERED + 1))


def test_each_unordered_message_has_its_own_nonce_also_past_the_last_counter() -> None:
    cipher = MessageCipher(HASH, True, b"\xfe" + b"\xff" * 7)
    peer = MessageCipher(HASH, False, bytes(8))
    sealed = [cipher.seal(b"same") for _ in range(3)]
    assert len({message[:8] for message in sealed}) == 3
    assert [peer.open(message) for message in sealed] == [b"same"] * 3
    assert cipher.open(sealed[0]) is None, "the two directions have different keys"


def test_an_idle_stream_says_that_it_is_there() -> None:
    pair = Pair(keepalive=5.0)
    pair.run()
    assert pair.client.next_timeout() == pytest.approx(5.0)
    pair.now = 5.0
    pair.client.handle_timeout(pair.now)
    pair.run()
    assert pair.server.keepalives == 1
    assert not pair.messages(pair.server)
    assert pair.client.next_timeout() == pytest.approx(10.0)
    pair.client.send(b"something")
    pair.now = 7.0
    pair.run()
    assert pair.client.next_timeout() == pytest.approx(12.0), "counted from the last message"
    pair.client.end()
    assert pair.client.raw.next_timeout() == pair.client.next_timeout()


def test_destroy_is_seen() -> None:
    pair = Pair()
    pair.run()
    pair.client.destroy()
    pair.run()
    assert pair.seen[pair.client][-1] == StreamClosed(CloseReason.DESTROYED)
    assert pair.seen[pair.server][-1] == StreamClosed(CloseReason.RESET)


def fed(data: bytes, *, end: bool = False) -> tuple[SecretStream, list[SecretEvent]]:
    """A server's stream whose UDX stream brought these bytes."""
    stream = secret(SERVER)
    pieces = [data[at : at + 1000] for at in range(0, len(data), 1000)]
    for seq, piece in enumerate(pieces):
        stream.receive_datagram(build(DATA, 2, 1 << 20, seq, 0, piece), PEER, 0.0)
    if end:
        stream.receive_datagram(build(END, 2, 1 << 20, len(pieces), 0), PEER, 0.0)
    return stream, drain(stream)


def opening() -> bytes:
    return frame(stream_id(HASH, initiator=True) + HEADER)


def sealed_frames(*messages: bytes) -> bytes:
    cipher = OrderedCipher(CLIENT_KEY, HEADER)
    return b"".join(frame(cipher.seal(message)) for message in messages)


def test_it_reads_what_the_ciphers_make() -> None:
    stream, events = fed(opening() + sealed_frames(b"a", b"", b"b" * 3000))
    assert events == [SecretOpened(), DataReceived(b"a"), DataReceived(b"b" * 3000)]
    assert stream.keepalives == 1


@pytest.mark.parametrize(
    ("data", "field", "offset"),
    [
        (frame(b"short"), "secret_stream.header", 0),
        (b"\xff\xff\xff", "secret_stream.header", 0),
        (frame(stream_id(HASH, initiator=False) + HEADER), "secret_stream.id", 3),
        (opening() + frame(b"x"), "secret_stream.frame", 59),
        (opening() + frame(bytes(40)), "secret_stream.frame", 59),
        (opening() + sealed_frames(b"first") + frame(bytes(17)), "secret_stream.frame", 59 + 3 + 17 + 5),
        (opening() + sealed_frames(b"once")[:24] + sealed_frames(b"once"), "secret_stream.frame", 59 + 24),
    ],
)
def test_bytes_that_are_not_the_peers_end_the_stream(data: bytes, field: str, offset: int) -> None:
    stream, events = fed(data + sealed_frames(b"after"))
    assert stream.failure is not None
    assert (stream.failure.field, stream.failure.offset) == (field, offset)
    assert events[-1] == StreamClosed(CloseReason.FORGED)
    assert DataReceived(b"after") not in events
    out = stream.poll_datagram(0.0)
    assert out is not None
    packet = parse(out[0])
    assert packet is not None
    assert packet.flags == 16, "the peer is told"


def test_an_end_within_a_frame_is_no_end() -> None:
    stream, events = fed(opening() + sealed_frames(b"cut")[:-1], end=True)
    assert stream.failure is not None
    assert stream.failure.truncated
    assert events == [SecretOpened(), StreamClosed(CloseReason.FORGED)]


def test_forged_unordered_messages_are_left_out_and_counted() -> None:
    stream = secret(SERVER)
    good = MessageCipher(HASH, True, bytes(8)).seal(b"good")
    for content in (b"", bytes(23), bytes(24), good[:-1], good, good[:-1] + bytes((good[-1] ^ 1,))):
        stream.receive_datagram(build(MESSAGE, 2, 1 << 20, 0, 0, content), PEER, 0.0)
    assert drain(stream) == [MessageReceived(b"good")]
    assert stream.forged_messages == 5


@given(st.binary(max_size=300), st.integers(0, 200))
def test_arbitrary_bytes_give_data_or_a_typed_failure(junk: bytes, cut: int) -> None:
    data = (opening() + sealed_frames(b"data", b"more"))[:cut] + junk
    stream, events = fed(data, end=True)
    over = isinstance(events[-1], StreamClosed)
    assert over == (stream.failure is not None)
    for event in events:
        assert not isinstance(event, DataReceived) or event.data in (b"data", b"more")


@given(st.lists(st.binary(max_size=50), max_size=10), st.integers(1, 20))
def test_frames_are_cut_where_they_were_put_together(contents: list[bytes], step: int) -> None:
    data = b"".join(map(frame, contents))
    reader = FrameReader()
    found = []
    for at in range(0, len(data), step):
        reader.feed(data[at : at + step])
        while (content := reader.next()) is not None:
            found.append(content)
    assert found == contents
    assert (reader.offset, reader.pending) == (len(data), 0)


@pytest.mark.parametrize(
    ("keys", "randomness"),
    [(CLIENT, bytes(31)), (CLIENT._replace(tx=bytes(31)), bytes(32)), (CLIENT._replace(rx=b""), bytes(32))],
)
def test_wrong_sizes_are_the_owners_mistake(keys: SecretKeys, randomness: bytes) -> None:
    raw = UdxStream(1)
    raw.connect(2, PEER, 0.0)
    with pytest.raises(ValueError, match="32"):
        SecretStream(raw, keys, randomness)


def test_it_needs_a_connected_stream() -> None:
    with pytest.raises(LocalProtocolError, match="idle"):
        SecretStream(UdxStream(1), CLIENT, bytes(32))
