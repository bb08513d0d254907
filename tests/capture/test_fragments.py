"""Putting fragments together, and refusing to where they contradict each other or never end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from capture import fragments
from capture.arrivals import Arrivals
from capture.bursts import Arrival
from capture.capture_file import CaptureFile
from capture.fragments import MAX_AGE_NS, Reassembler
from capture.frames import Interface
from capture.opening import read_capture
from capture.table import PacketTable
from tests.capture.build import ethernet, ipv4, ipv6, pcap, udp

BODY = udp(bytes(range(256)))


def pieces(body: bytes, sizes: list[int]) -> list[tuple[int, bool, bytes]]:
    found, at = [], 0
    for size in sizes:
        found.append((at, True, body[at : at + size * 8]))
        at += size * 8
    return [*found, (at, False, body[at:])]


@given(st.lists(st.integers(1, 8), max_size=4), st.randoms(), st.lists(st.integers(0, 4), max_size=4))
def test_any_order_with_repetitions(sizes: list[int], rng: object, again: list[int]) -> None:
    parts = pieces(BODY, [size for size in sizes if size * 8 * len(sizes) < len(BODY)])
    shuffled = parts + [parts[i % len(parts)] for i in again]
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    reassembler: Reassembler[int] = Reassembler()
    done = []
    seen = set()
    for position, more, body in shuffled:
        whole = reassembler.add("key", position, more, body, 0, position)
        seen.add(position)
        if whole is not None:
            done.append(whole[0])
            assert seen == {p for p, _, _ in parts}
            seen = set()
    assert done
    assert set(done) == {BODY}


def test_contradicting_pieces_spoil_the_datagram() -> None:
    for second in (
        (8, False, b"X" * 8),  # overlaps
        (0, True, b"X" * 16),  # the same place, other bytes
        (0, True, b"X" * 9),  # not a multiple of eight
        (65528, False, b"X" * 16),  # past the largest datagram
    ):
        reassembler: Reassembler[int] = Reassembler()
        assert reassembler.add("key", 0, True, b"A" * 16, 0, 0) is None
        assert reassembler.add("key", *second, 0, 0) is None
        assert reassembler.add("key", 16, False, b"B", 0, 0) is None
        assert reassembler.pending == 1
    ends: Reassembler[int] = Reassembler()
    assert ends.add("key", 8, False, b"A", 0, 0) is None
    assert ends.add("key", 16, False, b"A", 0, 0) is None
    assert ends.add("key", 0, True, b"A" * 8, 0, 0) is None


def test_memory_is_bounded() -> None:
    reassembler: Reassembler[int] = Reassembler()
    for key in range(fragments.MAX_PENDING + 10):
        reassembler.add(key, 0, True, bytes(8), 0, 0)
    assert reassembler.given_up == 10
    assert reassembler.pending == fragments.MAX_PENDING + 10


def test_identifications_come_round_again() -> None:
    reassembler: Reassembler[int] = Reassembler()
    assert reassembler.add("key", 0, True, b"A" * 8, 0, 0) is None
    assert reassembler.add("key", 0, True, b"B" * 8, MAX_AGE_NS + 1, 0) is None
    whole = reassembler.add("key", 8, False, b"B", MAX_AGE_NS + 2, 0)
    assert whole is not None
    assert whole[0] == b"B" * 9


def test_ipv6_fragments() -> None:
    ends = bytes(15) + b"\x01", bytes(15) + b"\x02"

    def piece(position: int, more: bool, body: bytes) -> bytes:
        header = bytes((17, 0)) + (position | more).to_bytes(2, "big") + b"\0\0\0\x09"
        return ethernet(ipv6(header + body, *ends, next_header=44), 0x86DD)

    table = read_capture(pcap([piece(0, True, BODY[:64]), piece(64, False, BODY[64:])]))
    assert table.payloads([0]) == [bytes(range(256))]
    assert table.frame.tolist() == [2]
    assert (table.files[0].fragments, table.files[0].fragments_pending) == (1, 0)


def test_sightings_of_one_fragmented_datagram_stay_apart() -> None:
    first = [ipv4(BODY[:96], ip_id=7, fragment=0x2000, ttl=t) for t in (64, 63)]
    last = [ipv4(BODY[96:], ip_id=7, fragment=12, ttl=t) for t in (64, 63)]
    frames = [
        ethernet(p, macs=m * 12) for p, m in ((first[0], b"A"), (first[1], b"B"), (last[0], b"A"), (last[1], b"B"))
    ]
    table = read_capture(pcap(frames))
    assert table.frame.tolist() == [3, 4]
    assert table.copy_of.tolist() == [-1, 0]
    file = table.files[0]
    assert (file.packets, file.udp, file.fragments) == (4, 2, 2)


def test_what_never_comes_is_counted() -> None:
    table = read_capture(pcap([ethernet(ipv4(BODY[:96], ip_id=n, fragment=0x2000)) for n in range(3)]))
    assert len(table) == 0
    assert (table.files[0].fragments, table.files[0].fragments_pending) == (3, 3)


def test_pieces_that_wait_take_no_more_with_them_than_their_own_bytes() -> None:
    body = udp(b"x" * 100, 1, 2)
    parts = [
        ethernet(ipv4(part, ip_id=number, fragment=place))
        for number in range(20)
        for part, place in ((body[:64], 0x2000), (body[64:], 8))
    ]
    beside = ethernet(ipv4(udp(b"y" * 1000, 1, 2)))
    table = PacketTable()
    arrivals = Arrivals(CaptureFile("lo", "live", [Interface(1, "lo")]), table)
    for first in parts[::2]:
        arrivals.put([Arrival(frame, 10**18) for frame in (beside, first, beside)])
        arrivals.collect()
    for _ in range(3):
        files, table = table.files, PacketTable()
        table.files = files
        arrivals.move(table)
        assert sum(segment.size for segment in table.segments) == sum(map(len, parts[::2]))
    arrivals.put([Arrival(frame, 10**18) for frame in parts[1::2]])
    arrivals.collect()
    assert [table.payload(row) for row in range(len(table))] == [b"x" * 100] * 20
    for number, pieces in table.pieces.items():
        (piece,) = pieces
        found = table.segments[piece.segment].buffer[piece.at : piece.at + piece.length]
        assert bytes(found) == parts[2 * number]
