"""Datagrams of a node's own sockets: as rows, as a file read by tshark and by us, and what finds no room."""

from __future__ import annotations

import socket
import subprocess
import threading
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.envelopes import Kind
from capture.flows.traffic import PunchPacket
from capture.pcapng_writer import write_pcapng
from capture.story import Story
from capture.table import PacketTable
from capture.tap import COMMENT, MAX_PAYLOAD, UNKNOWN_TTL, Tap, ipv4_frame
from protocol.envelope import encode_request, encode_response
from protocol.messages import Address, Request, Response
from tests.needs import need_tools

OWN = Address("10.1.2.3", 49737)
OTHER = Address("203.0.113.9", 40001)
TIME = 1_700_000_000_123_456_789
PING = encode_request(Request(7, OTHER, 0, True))
PONG = encode_response(Response(7, OWN))


class Seen(NamedTuple):
    """One datagram of a socket."""

    time_ns: int
    outgoing: bool
    local: Address
    remote: Address
    ttl: int | None
    data: bytes
    socket: int = 0


def sent(data: bytes, *, after_ns: int = 0, ttl: int | None = None, local: Address = OWN) -> Seen:
    return Seen(TIME + after_ns, True, local, OTHER, ttl, data)


def received(data: bytes, *, after_ns: int = 0, ttl: int | None = None) -> Seen:
    return Seen(TIME + after_ns, False, OWN, OTHER, ttl, data)


def tapped(*seen: Seen) -> Tap:
    tap = Tap()
    for one in seen:
        tap.take(one)
    tap.collect()
    return tap


def rows_of(table: PacketTable) -> list[tuple[int, Address, Address, int, int, int, bytes]]:
    return [
        (
            int(table.time_ns[row]),
            table.source(row),
            table.destination(row),
            int(table.ttl[row]),
            int(table.ip_id[row]),
            int(table.kind[row]),
            table.payload(row),
        )
        for row in range(len(table))
    ]


CONVERSATION = (sent(PING, ttl=64), received(PONG, after_ns=1_000_001, ttl=57), sent(b"\0", after_ns=2_000_000, ttl=5))


def test_datagrams_become_rows() -> None:
    assert rows_of(tapped(*CONVERSATION).table) == [
        (TIME, OWN, OTHER, 64, 1, Kind.REQUEST, PING),
        (TIME + 1_000_001, OTHER, OWN, 57, 2, Kind.RESPONSE, PONG),
        (TIME + 2_000_000, OWN, OTHER, 5, 3, Kind.PUNCH, b"\0"),
    ]


def test_what_is_written_is_read_as_it_was(tmp_path: Path) -> None:
    tap = tapped(*CONVERSATION, *(sent(bytes([0, size % 251]) * size, after_ns=size) for size in (0, 1, 700, 32753)))
    path = tmp_path / "node.pcapng"
    assert write_pcapng(path, tap.table, range(len(tap.table))) == len(tap.table)
    read = Story.open([str(path)]).table
    assert sorted(rows_of(read)) == sorted(rows_of(tap.table))
    (file,) = read.files
    assert [(one.name, one.comment, one.linktype) for one in file.interfaces] == [("node", COMMENT, 101)]
    assert file.malformed == file.not_udp == file.duplicates == 0


def test_tshark_reads_the_same(tmp_path: Path) -> None:
    need_tools("tshark")
    tap = tapped(*CONVERSATION, sent(b"odd", after_ns=3_000_000), received(b"", after_ns=4_000_000))
    path = tmp_path / "node.pcapng"
    write_pcapng(path, tap.table, range(len(tap.table)))
    fields = "ip.src udp.srcport ip.dst udp.dstport ip.ttl ip.id udp.payload ip.checksum.status udp.checksum.status"
    command = ["tshark", "-r", str(path), "-T", "fields", "-E", "separator=/s"]
    command += ["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "--disable-protocol", "quic"]
    for field in fields.split():
        command += ["-e", field]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    good = "1"
    assert [line.split(" ") for line in out.splitlines()] == [
        [src.host, str(src.port), dst.host, str(dst.port), str(ttl), f"0x{number:04x}", data.hex(), good, good]
        for _, src, dst, ttl, number, _, data in rows_of(tap.table)
    ]


@given(st.binary(max_size=64), st.integers(0, 65535), st.integers(0, 255))
def test_checksums_add_up(payload: bytes, number: int, ttl: int) -> None:
    frame = ipv4_frame(OWN, OTHER, ttl, number, payload)

    def total(data: bytes) -> int:
        """The sum of RFC 1071, word by word."""
        found = 0
        for at in range(0, len(data), 2):
            found += int.from_bytes(data[at : at + 2].ljust(2, b"\0"), "big")
            found = (found & 0xFFFF) + (found >> 16)
        return found

    assert total(frame[:20]) == 0xFFFF
    pseudo = frame[12:20] + b"\0\x11" + frame[24:26]
    assert total(pseudo + frame[20:]) == 0xFFFF
    assert frame[26:28] != b"\0\0", "that would say that there is no checksum"


def test_equal_datagrams_are_no_copies() -> None:
    tap = tapped(*(sent(PING, after_ns=index) for index in range(5)))
    assert tap.table.copy_of.tolist() == [-1] * 5


def test_two_hosts_see_one_datagram() -> None:
    tap = Tap("client")
    take = tap.add_interface("server")
    tap.take(sent(PING))
    take(Seen(TIME + 1000, False, OTHER, OWN, None, PING))
    tap.collect()
    assert tap.table.interface.tolist() == [0, 1]
    assert [interface.name for interface in tap.file.interfaces] == ["client", "server"]
    assert tap.table.source(0) == tap.table.source(1) == OWN


def test_an_address_bound_to_no_host_is_the_one_routed_from() -> None:
    remote = Address("127.0.0.1", 9)
    tap = tapped(Seen(TIME, True, Address("0.0.0.0", 5000), remote, None, b"x"))
    assert tap.table.source(0) == Address("127.0.0.1", 5000)


def test_what_finds_no_room_is_counted_and_room_comes_back() -> None:
    tap = Tap(room=100)
    for size in (30, 30, 30):
        tap.take(sent(bytes(size)))
    assert tap.wait(0)
    tap.collect()
    assert (len(tap.table), tap.file.dropped) == (1, 2)
    tap.take(sent(bytes(30)))
    tap.collect()
    assert (len(tap.table), tap.file.dropped) == (2, 2)


@pytest.mark.parametrize(
    "seen",
    [
        sent(bytes(MAX_PAYLOAD + 1)),
        sent(b"x", ttl=256),
        sent(b"x", local=Address("::1", 5)),
        sent(b"x", local=Address("10.0.0.1", 65536)),
        Seen(TIME, True, Address("0.0.0.0", 5), Address("localhost", 5), None, b"x"),
    ],
    ids=["too long", "ttl", "not IPv4", "port", "name"],
)
def test_what_no_frame_can_hold_is_counted(seen: Seen) -> None:
    tap = tapped(seen, sent(bytes(MAX_PAYLOAD)))
    assert tap.file.dropped == 1
    assert tap.table.payload(0) == bytes(MAX_PAYLOAD)


def test_a_thread_collects_while_another_one_feeds() -> None:
    tap = Tap()
    count = 5000
    feeder = threading.Thread(target=lambda: [tap.take(sent(PING, after_ns=index)) for index in range(count)])
    feeder.start()
    while len(tap.table) < count:
        assert tap.wait(10)
        tap.collect()
    feeder.join()
    tap.stop()
    assert tap.table.ip_id.tolist() == list(range(1, count + 1))
    assert tap.file.dropped == 0


def test_secrets_reach_the_story() -> None:
    tap = tapped(*CONVERSATION)
    story = Story(tap.table)
    tap.add_secrets("SERVER_PUBLIC_KEY 0011223344556677 " + "ab" * 32 + "\n")
    story.update()
    assert story.keylog_errors == ()
    assert tap.file.secrets[0].startswith(b"SERVER_PUBLIC_KEY")


def test_real_sockets() -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sock:
        sock.bind(("0.0.0.0", 0))
        local = Address(*sock.getsockname())
        tap = tapped(Seen(TIME, True, local, Address("127.0.0.1", local.port), None, PING))
    assert rows_of(tap.table)[0][1:3] == (Address("127.0.0.1", local.port),) * 2


def test_a_ttl_that_nobody_told_is_not_known_and_no_opener() -> None:
    tap = tapped(sent(b"\0", ttl=64), received(b"\0", after_ns=1), received(b"\0", after_ns=2, ttl=3))
    assert tap.table.ttl.tolist() == [64, UNKNOWN_TTL, 3]
    punches = [PunchPacket(row, 0, 1, 2, ttl) for row, ttl in enumerate(tap.table.ttl.tolist())]
    assert [punch.is_low for punch in punches] == [False, False, True]
