"""The fast reader gives what reading packet by packet gives, on fixtures and on whatever can be made up."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture import chain
from capture.links import SUPPORTED
from tests.capture.build import (
    block,
    enhanced,
    ethernet,
    interface,
    ipv4,
    ipv6,
    obsolete,
    option,
    pcap,
    section,
    simple,
    sll2,
    udp,
)
from tests.capture.reading_law import assert_equal

FIXTURES = Path(__file__).parents[1] / "fixtures"
CAPTURES = sorted(p for p in FIXTURES.rglob("*") if ".pcap" in p.name)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=str(path.relative_to(FIXTURES)), marks=[pytest.mark.thorough] if number % 2 else [])
        for number, path in enumerate(CAPTURES)
    ],
)
def test_fixture(path: Path) -> None:
    data = path.read_bytes()
    assert_equal(gzip.decompress(data) if path.suffix == ".gz" else data)


@pytest.mark.parametrize(
    "ends", [range(24, 1500), pytest.param(range(1500, 3000), marks=pytest.mark.thorough)], ids=["start", "rest"]
)
def test_fixture_cut_anywhere(ends: range) -> None:
    smallest = min((p for p in CAPTURES if p.suffix == ".gz"), key=lambda p: p.stat().st_size)
    data = gzip.decompress(smallest.read_bytes())
    assert len(data) > ends.stop
    for end in ends:
        assert_equal(data[:end])


small = st.integers(0, 255)
envelopes = st.one_of(
    st.binary(max_size=40),
    st.tuples(st.sampled_from([3, 19, 0xFF]), small, st.binary(max_size=120)).map(lambda t: bytes(t[:2]) + t[2]),
    st.builds(
        lambda kind, flags, fixed, extra, tail: bytes([kind, flags]) + fixed + extra + tail,
        st.sampled_from([3, 19]),
        st.integers(0, 31) | small,
        st.binary(min_size=8, max_size=8),
        st.sampled_from([b"", bytes(32), bytes(64)]),
        st.one_of(
            st.binary(max_size=60),
            st.builds(lambda c, n, v: bytes([c, n]) + v, small, small, st.binary(max_size=40)),
            st.builds(
                lambda w, n: bytes([w]) + n.to_bytes(8, "little"), st.integers(0xFC, 0xFF), st.integers(0, 2**64 - 1)
            ),
        ),
    ),
    st.sampled_from([b"\x00", b"", b"\xff", b"\xff\x01", b"\xff\x01\x08\x00" + bytes(16), b"\x03", b"\x13\x00"]),
)
datagrams = st.builds(udp, envelopes, st.integers(0, 65535), st.integers(0, 65535), st.none() | st.integers(0, 60))
host6 = st.sampled_from([bytes(15) + b"\x01", bytes(range(16)), b"\xfe\x80" + bytes(14)])
extensions = st.lists(st.tuples(st.sampled_from([0, 43, 44, 51, 60]), st.binary(min_size=7, max_size=15)), max_size=3)


def chained(body: bytes, src: bytes, dst: bytes, headers: list[tuple[int, bytes]], hops: int) -> bytes:
    kinds = [kind for kind, _ in headers] + [17]
    for index in reversed(range(len(headers))):
        kind, value = headers[index]
        value = value[:7] if kind == 44 else bytes([0 if len(value) < 15 else 1]) + value[1:]
        body = bytes([kinds[index + 1]]) + value + body
    return ipv6(body, src, dst, kinds[0], hops)


packets = st.one_of(
    st.builds(
        ipv4,
        datagrams | st.binary(max_size=30),
        ttl=small,
        ip_id=st.integers(0, 3),
        protocol=st.sampled_from([17, 17, 17, 6, 1]),
        options=st.sampled_from([b"", bytes(4), bytes(40)]),
        fragment=st.sampled_from([0, 0, 0, 0x4000, 0x2000, 1, 2, 3, 0x2001, 0x2002]),
        total=st.none() | st.sampled_from([0, 20, 28, 1000]),
    ),
    st.builds(chained, datagrams | st.binary(max_size=20), host6, host6, extensions, small),
    st.binary(max_size=60),
)


def framed(packet: bytes, linktype: int, style: int) -> bytes:
    kind = 0x86DD if packet[:1] and packet[0] >> 4 == 6 else 0x0800
    if linktype == 1:
        tags = [b"", b"", b"\x81\x00\x00\x05", b"\x88\xa8\x00\x01\x81\x00\x00\x02", b"\x81\x00\x00\x01" * 5][style % 5]
        return ethernet(packet, kind if style else 0x0806, tags)
    if linktype == 276:
        return sll2(packet, style, style % 5, kind)
    if linktype == 113:
        return style.to_bytes(2, "big") + bytes(12) + kind.to_bytes(2, "big") + packet
    if linktype in (0, 108):
        return [2, 10, 24, 30, 7][style % 5].to_bytes(4, "big" if style % 2 else "little") + packet
    return packet


links = st.sampled_from(sorted(SUPPORTED))
frame_lists = st.lists(st.tuples(packets, st.integers(0, 9)), max_size=12)


@settings(max_examples=400, deadline=None)
@given(
    frame_lists, links, st.sampled_from("<>"), st.booleans(), st.sampled_from([262144, 48, 70, 20]), st.integers(0, 40)
)
def test_any_pcap(
    content: list[tuple[bytes, int]], linktype: int, order: str, nano: bool, snaplen: int, cut: int
) -> None:
    frames = [framed(packet, linktype, style) for packet, style in content]
    data = pcap(frames, linktype, order, nano, snaplen)
    assert_equal(data)
    assert_equal(data[: max(24, len(data) - cut)])


blocks = st.one_of(
    st.tuples(st.just("section"), st.sampled_from("<>")),
    st.tuples(
        st.just("interface"),
        links | st.just(147),
        st.none() | st.integers(0, 255),
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.sampled_from([0, 60]),
    ),
    *[
        st.tuples(
            st.sampled_from(["enhanced", "simple", "obsolete"]),
            packets,
            st.integers(0, 9),
            st.integers(0, 2**64 - 1) | st.just(1_700_000_000 * 10**6),
            st.integers(0, 3),
        )
        for _ in range(3)
    ],
    st.tuples(st.just("other"), st.sampled_from([4, 5, 9, 10, 0x0BAD, 0x80000001]), st.binary(max_size=30)),
)


def assemble(parts: list[tuple[object, ...]]) -> bytes:
    order, linktypes = "<", [1]
    out = [section(order), interface(1, order)]
    for part in parts:
        if part[0] == "section":
            order, linktypes = str(part[1]), []
            out.append(section(order))
        elif part[0] == "interface":
            _, linktype, resolution, offset, snaplen = part
            options = option(9, bytes([resolution]), order) if isinstance(resolution, int) else b""
            if isinstance(offset, int):
                options += option(14, offset.to_bytes(8, "little" if order == "<" else "big", signed=True), order)
            out.append(interface(int(str(linktype)), order, int(str(snaplen)), options))
            linktypes.append(int(str(linktype)))
        elif part[0] == "other":
            _, kind, body = part
            assert isinstance(kind, int)
            assert isinstance(body, bytes)
            out.append(block(kind, body, order))
        else:
            name, packet, style, ticks, number = part
            assert isinstance(packet, bytes)
            assert isinstance(style, int)
            assert isinstance(ticks, int)
            assert isinstance(number, int)
            frame = framed(packet, linktypes[number] if number < len(linktypes) else 1, style)
            if name == "simple":
                out.append(simple(frame, order))
            else:
                make = enhanced if name == "enhanced" else obsolete
                out.append(make(frame, ticks, number % max(len(linktypes), 1), order))
    return b"".join(out)


@settings(max_examples=400, deadline=None)
@given(st.lists(blocks, max_size=14), st.integers(0, 60))
def test_any_pcapng(parts: list[tuple[object, ...]], cut: int) -> None:
    data = assemble(parts)
    assert_equal(data)
    assert_equal(data[: max(28, len(data) - cut)])


@settings(max_examples=300, deadline=None)
@given(st.data(), st.lists(blocks, min_size=2, max_size=8), frame_lists)
def test_mutated(draw: st.DataObject, parts: list[tuple[object, ...]], content: list[tuple[bytes, int]]) -> None:
    """Bytes changed anywhere behind the file header: the same rows, or the same damage."""
    for data in (bytearray(assemble(parts)), bytearray(pcap([framed(p, 1, s) for p, s in content], 1))):
        for _ in range(draw.draw(st.integers(1, 4))):
            data[draw.draw(st.integers(28 if data[0] == 0x0A else 24, max(len(data), 29) - 1)) % len(data)] = draw.draw(
                small
            )
        if data[:4] in (b"\x0a\x0d\x0d\x0a", b"\xd4\xc3\xb2\xa1"):
            assert_equal(bytes(data))


@pytest.mark.parametrize("container", ["pcap", "pcapng"])
def test_side_by_side_walk(container: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With slices of a kilobyte the chains of a small file are followed side by side, and the proof fails often."""
    monkeypatch.setattr(chain, "SLICE_BYTES", 1024)
    monkeypatch.setattr(chain, "MIN_LANES", 2)
    # Payloads full of record headers that look sound are what a guess falls for.
    fake = pcap([bytes(40)] * 6)[24:]
    fake_blocks = enhanced(bytes(40), 1_700_000_000 * 10**6) * 6
    frames = []
    for index in range(400):
        payload = [bytes(index % 300), fake[index % 16 :], fake_blocks[index % 4 * 4 :], b"\x00"][index % 4]
        frames.append(ethernet(ipv4(udp(payload))))
    if container == "pcap":
        data = pcap(frames)
    else:
        stamped = [enhanced(f, 1_700_000_000 * 10**6 + i) for i, f in enumerate(frames)]
        data = section() + interface() + b"".join(stamped)
    for end in (len(data), len(data) - 5, len(data) // 2 + 7):
        assert_equal(data[:end])
