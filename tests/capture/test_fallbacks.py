"""Where the kernel has no packet ring, or no packet sockets at all, other sockets are chosen and named."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Iterator

import pytest

from capture.direction import Direction, direction_of
from capture.errors import BadFilterError, LiveError, NoSuchInterfaceError
from capture.libpcap_socket import LibpcapSocket
from capture.live import LiveCapture
from capture.live_socket import _NO_RING
from capture.ways_of_capture import Way
from tests.needs import need


@pytest.fixture(autouse=True)
def permission() -> None:
    """Capturing is permitted."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()
    except OSError:
        need("capturing takes CAP_NET_RAW: nothing to listen with")


@pytest.fixture
def sender() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.bind(("127.0.0.1", 0))
        yield sending


def refusing(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refused(*_: object) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr("capture.ring_socket.RingSocket", refused)


def without_packet_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capture.live.hasattr", lambda *_: False, raising=False)


def captured(sender: socket.socket, count: int) -> LiveCapture:
    """The loopback while some datagrams pass."""
    with LiveCapture("lo", f"udp src port {sender.getsockname()[1]}") as live:
        for number in range(count):
            sender.sendto(b"\x20" + bytes([number]), ("127.0.0.1", 9))
        while len(live.table) < count:
            assert live.wait(10)
            live.collect()
    assert live.table.payloads(range(count)) == [b"\x20" + bytes([number]) for number in range(count)]
    return live


@pytest.mark.parametrize("number", _NO_RING, ids=lambda number: errno.errorcode[number])
def test_a_ring_that_is_refused_makes_room_for_scapys_socket(
    sender: socket.socket, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    refusing(monkeypatch, number)
    before = time.time_ns()
    live = captured(sender, 5)
    assert live.way == Way.SCAPY
    assert {direction_of(bits) for bits in live.table.direction.tolist()} == {Direction.IN}
    assert before - 1000 <= live.table.time_ns[0] <= live.table.time_ns[-1] <= time.time_ns()
    assert live.file.dropped == 0


def test_another_refusal_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    refusing(monkeypatch, errno.ENETDOWN)
    with pytest.raises(LiveError, match="lo: refused"):
        LiveCapture("lo")


def test_all_interfaces_at_once_take_the_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    refusing(monkeypatch, errno.ENOPROTOOPT)
    with pytest.raises(LiveError, match="takes a ring of packet blocks"):
        LiveCapture("any")


def test_without_packet_sockets_there_is_libpcap(sender: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    without_packet_sockets(monkeypatch)
    before = time.time_ns()
    live = captured(sender, 5)
    assert live.way == Way.LIBPCAP
    assert live.table.direction.tolist() == [0] * 5, "it does not tell"
    assert before - 1000 <= live.table.time_ns[0] <= live.table.time_ns[-1] <= time.time_ns()


def test_what_passed_before_the_end_is_there(sender: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    without_packet_sockets(monkeypatch)
    with LiveCapture("lo", f"udp src port {sender.getsockname()[1]}") as live:
        for _ in range(300):
            sender.sendto(b"\x20", ("127.0.0.1", 9))
    assert len(live.table) == 300


def test_a_socket_that_can_t_be_waited_for_is_asked_again(
    sender: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_packet_sockets(monkeypatch)
    monkeypatch.setattr(LibpcapSocket, "fileno", lambda _: -1)
    assert captured(sender, 20).way == Way.LIBPCAP


def test_what_libpcap_refuses() -> None:
    with pytest.raises(NoSuchInterfaceError):
        LibpcapSocket("no-such-thing")
    with pytest.raises(BadFilterError, match="lo: bad capture filter 'host host': can't parse filter expression"):
        LibpcapSocket("lo", "host host")
