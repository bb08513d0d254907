"""Several captures of one story: clocks brought together, every datagram once, nothing merged that was sent twice.

The laboratory's captures are the measure: a capture of the whole net between the NATs (`wan`) sees every packet that
crosses it, so what all captures together make of the story is checked against it, and then any two or three of them,
with clocks set wrong on purpose, against the whole.
"""

from __future__ import annotations

import gzip
import json
import struct
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from capture.opening import open_captures, read_capture
from capture.table import PacketTable
from capture.vantages import merge_vantages
from tests.capture.build import ethernet, ipv4, pcap, udp

LAB = Path(__file__).parents[1] / "fixtures" / "lab"
SCENARIOS = sorted(path.name for path in LAB.iterdir() if (path / "wan.pcap.gz").exists())
SHIFTS_NS = (0, 7_300_000_000, -3_000_000_000)
MS = 1_000_000
T0 = 1_700_000_000 * 10**9

Sighting = tuple[str, int]
"""File name and frame."""


def roots(table: PacketTable) -> list[int]:
    copy_of = table.copy_of
    found: list[int] = np.where(copy_of < 0, np.arange(len(table)), copy_of).tolist()
    assert all(copy_of[root] < 0 for root in found)
    return found


def shifted(path: Path, ns: int) -> bytes:
    """A lab capture with its clock moved; a byte-for-byte copy if not."""
    data = bytearray(gzip.decompress(path.read_bytes()))
    tick = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}[struct.unpack_from("<I", data)[0]]
    at = 24
    while at < len(data):
        seconds, fraction, length = struct.unpack_from("<III", data, at)
        time_ns = seconds * 10**9 + fraction * tick + ns
        struct.pack_into("<II", data, at, time_ns // 10**9, time_ns % 10**9 // tick)
        at += 16 + length
    return bytes(data)


def datagrams(table: PacketTable, names: list[str]) -> dict[int, set[Sighting]]:
    found: dict[int, set[Sighting]] = defaultdict(set)
    for row, root in enumerate(roots(table)):
        found[root].add((names[int(table.file[row])], int(table.frame[row])))
    return found


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_all_captures_of_a_scenario(scenario: str) -> None:
    paths = sorted((LAB / scenario).glob("*.pcap.gz"))
    table = open_captures([str(path) for path in paths])
    names = [path.name.split(".")[0] for path in paths]
    assert (np.diff(table.time_ns) >= 0).all()
    wan = open_captures([str(LAB / scenario / "wan.pcap.gz")])
    stories = datagrams(table, names)
    crossing = [story for story in stories.values() if any(name == "wan" for name, _ in story)]
    assert len(crossing) == len(wan) - wan.files[0].duplicates
    for root, story in stories.items():
        rows = [row for row, other in enumerate(roots(table)) if other == root] if len(stories) < 500 else [root]
        assert table.ttl[root] == max(table.ttl[row] for row in rows), story


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.thorough) for part in (1, 2))])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_any_captures_with_clocks_set_wrong(scenario: str, part: int) -> None:
    """A third of the pairs, in each scenario others than in the next; the rest in the thorough parts."""
    paths = sorted((LAB / scenario).glob("*.pcap.gz"))
    whole = open_captures([str(path) for path in paths])
    names = [path.name.split(".")[0] for path in paths]
    delay_ms = json.loads((LAB / scenario / "truth.json").read_text())["network"]["delay"] * 1000
    truth = {sighting: root for root, story in datagrams(whole, names).items() for sighting in story}
    # All pairs, and of the triples every sixth, other ones in each scenario.
    place = SCENARIOS.index(scenario)
    triples = list(combinations(range(len(paths)), 3))[place % 6 :: 6]
    groups = [*combinations(range(len(paths)), 2), *triples]
    for chosen in groups[(place + part) % 3 :: 3]:
        table = PacketTable()
        for index, shift in zip(chosen, SHIFTS_NS, strict=False):
            read_capture(shifted(paths[index], shift), table)
        merge_vantages(table)
        assert (np.diff(table.time_ns) >= 0).all()
        which = [names[index] for index in chosen]
        stories = datagrams(table, which)
        merged = [story for story in stories.values() if len({truth[sighting] for sighting in story}) > 1]
        assert not merged, f"{which}: different datagrams taken for one"
        uncertain = any("one direction only" in note for file in table.files for note in file.notes)
        # Without the clocks together, one-byte packets of different captures are better left apart.
        split = len(stories) - len({truth[sighting] for story in stories.values() for sighting in story})
        assert uncertain or split == 0, which
        if any("shares no packets" in note for file in table.files for note in file.notes):
            continue
        for file, shift in zip(table.files, SHIFTS_NS, strict=False):
            assert abs(file.clock_offset_ns - shift) < (200 if uncertain else 5 + delay_ms) * MS, which


def test_there_are_scenarios() -> None:
    assert SCENARIOS


def exchange(number: int) -> tuple[bytes, bytes]:
    """A request and its response, told apart from others by tid."""
    tid = number.to_bytes(2, "little")
    return b"\x03\x04" + tid + b"\x0b\0\0\x02\x49\xc2\x00", b"\x13\x00" + tid + b"\x0b\x01\0\x02\x00\x20"


def two_vantages(delay_ms: float, jitter: list[float]) -> tuple[bytes, bytes]:
    """The client's side of a NAT and the far server, whose clock is 90 seconds ahead."""
    near, far = [], []
    ahead = 90 * 10**9
    for number, extra in enumerate(jitter):
        start = T0 + number * 1000 * MS
        asked, answered = exchange(number)
        there = round((delay_ms + extra) * MS)
        near.append((start, ethernet(ipv4(udp(asked, 5000, 49737), "192.168.1.2", "11.0.0.2", 64))))
        far.append((start + there + ahead, ethernet(ipv4(udp(asked, 7000, 49737), "11.1.0.2", "11.0.0.2", 60))))
        back = start + there + MS
        far.append((back + ahead, ethernet(ipv4(udp(answered, 49737, 7000), "11.0.0.2", "11.1.0.2", 64))))
        near.append((back + there, ethernet(ipv4(udp(answered, 49737, 5000), "11.0.0.2", "192.168.1.2", 60))))
    return pcap(near, nanoseconds=True), pcap(far, nanoseconds=True)


def test_offset_and_translation_from_both_ways() -> None:
    table = PacketTable()
    for data in two_vantages(40, [0, 3, 0, 9, 1, 0, 2]):
        read_capture(data, table)
    merge_vantages(table)
    assert abs(table.files[1].clock_offset_ns - 90 * 10**9) < MS
    assert table.files[1].notes == []
    assert (table.copy_of < 0).sum() == 14
    assert table.files[0].duplicates == table.files[1].duplicates == 0
    primaries = np.flatnonzero(table.copy_of < 0)
    assert (table.ttl[primaries] == 64).all()
    assert all(int(table.time_ns[row]) <= int(table.time_ns[row + 1]) for row in range(len(table) - 1))


def test_captures_of_different_stories_are_left_alone() -> None:
    table = PacketTable()
    for number, host in enumerate(("10.0.0.1", "10.0.0.9")):
        asked = exchange(number)[0]
        read_capture(pcap([(T0 + number, ethernet(ipv4(udp(asked), host)))], nanoseconds=True), table)
    merge_vantages(table)
    assert (table.copy_of == -1).all()
    assert table.files[1].clock_offset_ns == 0
    assert table.files[1].notes == ["shares no packets with the files before it: its clock is taken as it is"]


@pytest.mark.parametrize("number", range(6))
def test_the_same_bytes_from_two_clients_are_two_datagrams(number: int) -> None:
    """Tids have 16 bits: two clients behind two NATs may well ask one node with the same one at the same time."""
    near, far = two_vantages(10, [0] * 6)
    packet = ethernet(ipv4(udp(exchange(number)[0], 6000, 49737), "192.168.7.2", "11.0.0.2", 64))
    table = PacketTable()
    for data in (near, pcap([(T0 + (1000 * number + 3) * MS, packet)], nanoseconds=True), far):
        read_capture(data, table)
    merge_vantages(table)
    lonely = np.flatnonzero(table.file == 1)
    assert table.copy_of[lonely].tolist() == [-1]
    assert not (table.copy_of == lonely[0]).any()
    assert (table.copy_of < 0).sum() == 13


def test_equal_bytes_that_nothing_tells_apart_stay_apart() -> None:
    """One packet of each client, and the node's capture of one of them: whose it is, nobody knows."""
    asked = exchange(1)[0]
    table = PacketTable()
    for number, (source, ttl) in enumerate((("192.168.1.2", 64), ("192.168.7.2", 64), ("11.1.0.2", 60))):
        frame = ethernet(ipv4(udp(asked, 5000 + number, 49737), source, "11.0.0.2", ttl))
        read_capture(pcap([(T0 + number * MS, frame)], nanoseconds=True), table)
    merge_vantages(table)
    assert (table.copy_of == -1).all()
