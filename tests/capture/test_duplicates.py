"""Which rows of one capture show the same datagram again, and which only look like it."""

from __future__ import annotations

import pytest

from capture.duplicates import _Joiner, _Seen
from capture.opening import read_capture
from tests.capture.build import enhanced, ethernet, interface, ipv4, pcap, section, sll2, udp

MS = 1_000_000
T0 = 1_700_000_000 * 10**9
PING = bytes.fromhex("0304 3412 0b000002 49c2 00")
INSIDE, OUTSIDE, PEER = ("192.168.1.2", 5000), ("11.1.0.2", 7000), ("11.0.0.2", 49737)
Ends = tuple[tuple[str, int], tuple[str, int]]


def packet(ends: Ends, ttl: int, payload: bytes = PING, ip_id: int = 0) -> bytes:
    (src, sport), (dst, dport) = ends
    return ipv4(udp(payload, sport, dport), src, dst, ttl, ip_id)


def copies(frames: list[tuple[float, bytes]], linktype: int = 276) -> list[int]:
    """`copy_of` of frames given with their times in milliseconds."""
    data = pcap([(T0 + round(ms * MS), frame) for ms, frame in frames], linktype, nanoseconds=True)
    table = read_capture(data)
    assert len(table) == len(frames)
    found: list[int] = table.copy_of.tolist()
    assert table.files[0].duplicates == sum(row >= 0 for row in found)
    return found


def out(
    ms: float, payload: bytes = PING, ttl: int = 64, source: tuple[str, int] = INSIDE, via: tuple[str, int] = OUTSIDE
) -> list[tuple[float, bytes]]:
    """A datagram that leaves through a NAT with a bridge, as ``-i any`` shows it."""
    return [
        (ms, sll2(packet((source, PEER), ttl, payload), 4, 0)),
        (ms + 0.02, sll2(packet((source, PEER), ttl, payload), 3, 0)),
        (ms + 0.05, sll2(packet((via, PEER), ttl - 1, payload), 2, 4)),
    ]


def test_out_through_a_bridge_and_a_nat() -> None:
    assert copies(out(0)) == [-1, 0, 0]


def test_in_through_a_nat() -> None:
    frames = [
        (0, sll2(packet((PEER, OUTSIDE), 57), 2, 0)),
        (0.03, sll2(packet((PEER, INSIDE), 56), 3, 4)),
        (0.04, sll2(packet((PEER, INSIDE), 56), 4, 4)),
    ]
    assert copies(frames) == [-1, 0, 0]


def test_a_router_between_two_ethernets_on_a_mirror_port() -> None:
    frames = [
        (0, ethernet(packet((INSIDE, PEER), 64), macs=b"RRRRRRHHHHHH")),
        (0.1, ethernet(packet((INSIDE, PEER), 63), macs=b"GGGGGGRRRRRR")),
    ]
    assert copies(frames, 1) == [-1, 0]


def test_a_tunnel_shows_a_packet_in_and_out_by_ttl_alone() -> None:
    frames = [(0, packet((INSIDE, PEER), 64)), (3, packet((INSIDE, PEER), 57)), (4, packet((INSIDE, PEER), 64))]
    assert copies(frames, 101) == [-1, 0, -1]


def test_two_pcapng_interfaces() -> None:
    data = section() + interface(101) + interface(101)
    for number in (0, 1):
        data += enhanced(packet((INSIDE, PEER), 64), T0 // 1000 + number, number)
    assert read_capture(data).copy_of.tolist() == [-1, 0]


@pytest.mark.parametrize(
    "second",
    [
        (1, sll2(packet((INSIDE, PEER), 64), 4, 0)),  # same interface, direction, TTL: sent twice
        (60, sll2(packet((INSIDE, PEER), 64), 3, 0)),  # too late for a bridge
        (600, sll2(packet((OUTSIDE, PEER), 63), 2, 4)),  # too late for a forwarded one
        (1, sll2(packet((INSIDE, PEER), 65), 3, 0)),  # TTLs never rise
        (1, sll2(packet((OUTSIDE, PEER), 64), 2, 4)),  # translated without a hop
        (1, sll2(packet((OUTSIDE, ("11.0.0.3", 49737)), 63), 2, 4)),  # neither end in common
        (1, sll2(packet((OUTSIDE, PEER), 63, PING[:-1] + b"\x01"), 2, 4)),  # other bytes
        (1, sll2(packet((OUTSIDE, PEER), 63, ip_id=9), 2, 4)),  # another IPv4 identification
    ],
)
def test_no_copies(second: tuple[float, bytes]) -> None:
    assert copies([(0, sll2(packet((INSIDE, PEER), 64, ip_id=8), 4, 0)), second]) == [-1, -1]


def test_payloads_that_differ_behind_their_first_bytes_are_not_equal() -> None:
    start = PING + bytes(60)
    frames = [
        (0, sll2(packet((INSIDE, PEER), 64, start + b"a"), 4, 0)),
        (1, sll2(packet((OUTSIDE, PEER), 63, start + b"b"), 2, 4)),
    ]
    assert copies(frames) == [-1, -1]


def test_repetitions_are_joined_each_to_its_own() -> None:
    assert copies(out(0) + out(200)) == [-1, 0, 0, -1, 3, 3]


def test_interleaved_equal_packets_pair_in_order() -> None:
    first, second = out(0, b"\x00"), out(0.01, b"\x00")
    proof = out(-100)
    frames = [*proof, first[0], second[0], first[1], second[1], first[2], second[2]]
    assert copies(frames) == [-1, 0, 0, -1, -1, 3, 4, 3, 4]


def test_a_flood_of_equal_packets_is_looked_through_in_proportion_to_its_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = 0
    real = _Joiner._follows

    def counted(joiner: _Joiner, seen: _Seen, i: int) -> bool:
        nonlocal looks
        looks += 1
        return real(joiner, seen, i)

    monkeypatch.setattr(_Joiner, "_follows", counted)
    pairs, punch = 3000, packet((INSIDE, PEER), 64, b"\0")
    frames = [(0.02 * i, sll2(punch, 2 + i % 2, 4 if i % 2 else 0)) for i in range(2 * pairs)]
    found = copies(frames)
    assert found == [-1 if i % 2 == 0 else i - 1 for i in range(2 * pairs)]
    assert pairs <= looks <= 2 * len(frames)


def test_punches_follow_the_translations_that_packets_proved() -> None:
    """Two inside sockets punch the same peer at once; their outside ports come out in the other order."""
    other, other_out = ("192.168.1.3", 6000), ("11.1.0.2", 7001)
    proof = out(-200) + out(-100, PING[:-1] + b"\x01", source=other, via=other_out)
    a, b = out(0, b"\x00"), out(0.01, b"\x00", source=other, via=other_out)
    frames = [*proof, a[0], b[0], b[2], a[2]]
    assert copies(frames)[6:] == [-1, -1, 7, 6]


def test_low_ttl_openers_are_not_copies_of_punches() -> None:
    """A session opener (TTL 5) right behind a punch; the punch's own way out was not captured."""
    proof, punch, opener = out(-100), out(0, b"\x00"), out(5, b"\x00", ttl=5)
    assert copies(proof + punch[:1] + opener[:1] + opener[2:])[3:] == [-1, -1, 4]


def test_two_real_punches_within_a_millisecond_on_a_wire() -> None:
    frames = [
        (0.0, ethernet(packet((INSIDE, PEER), 64, b"\x00"))),
        (0.5, ethernet(packet((INSIDE, PEER), 64, b"\x00"))),
    ]
    assert copies(frames, 1) == [-1, -1]


def test_multicast_from_many_hosts_is_not_one_datagram() -> None:
    group = ("224.0.0.251", 5353)
    frames = [
        (n * 0.1, ethernet(packet(((f"192.168.1.{n}", 5353), group), 255, b"query" * 9), macs=bytes([n]) * 12))
        for n in range(1, 6)
    ]
    assert copies(frames, 1) == [-1] * 5
