"""The packet table itself: growth, order, payloads."""

from __future__ import annotations

import numpy as np
import pytest

from capture.envelopes import Kind
from capture.opening import read_capture
from capture.table import PacketTable, host_text
from protocol.messages import Address
from tests.capture.build import ethernet, ipv4, ipv6, pcap, udp

PING = bytes.fromhex("0304 3412 0b000002 49c2 00")
FIND = bytes.fromhex("0308 0100 0b000002 49c2 02") + bytes(range(32))
UDX = bytes.fromhex("ff01 0100 78563412 00000100 00000000 00000000") + b"data"


def table_of(*payloads: bytes) -> PacketTable:
    return read_capture(pcap([ethernet(ipv4(udp(payload, 5, 6))) for payload in payloads]))


def test_columns_of_each_kind() -> None:
    table = table_of(PING, FIND, UDX, b"\x00", b"\x03", b"hello", b"\x13\x01")
    assert [Kind(kind).name for kind in table.kind] == [
        "REQUEST", "REQUEST", "UDX", "PUNCH", "MALFORMED", "OTHER", "MALFORMED"
    ]  # fmt: skip
    assert table.internal.tolist() == [True, False, False, False, False, False, False]
    assert table.command[:3].tolist() == [0, 2, 255]
    assert table.tid[:2].tolist() == [0x1234, 1]
    assert host_text(int(table.to_host[0])) == "11.0.0.2"
    assert table.to_port[0] == 0xC249
    assert table.target8[:2].tolist() == [0, 0x0001020304050607]
    assert (int(table.udx_flags[2]), int(table.udx_id[2])) == (1, 0x12345678)
    assert table.udx_data_length[2] == 4
    assert table.source(0) == Address("10.0.0.1", 5)
    assert table.destination(0) == Address("10.0.0.2", 6)
    file = table.files[0]
    assert (file.dht_messages, file.undecodable, file.udp) == (2, 2, 7)


def test_ipv6_hosts_are_numbered_once() -> None:
    a, b = bytes(15) + b"\x01", bytes(15) + b"\x02"
    frames = [ethernet(ipv6(udp(b"x"), s, d), 0x86DD) for s, d in ((a, b), (b, a))]
    table = read_capture(pcap([*frames, ethernet(ipv4(udp(b"y")))]))
    assert table.hosts6 == [a, b]
    assert table.family6.tolist() == [True, True, False]
    assert str(table.source(0)) == "[::1]:1000"
    assert str(table.destination(0)) == "[::2]:2000"
    assert str(table.source(2)) == "10.0.0.1:1000"


def test_growth_keeps_rows_and_is_amortised() -> None:
    table = PacketTable()
    block = {name: np.arange(3).astype(dtype) for name, dtype in table.columns.items()}
    moves = 0
    capacity = 0
    for n in range(2000):
        assert table.append(**block) == range(3 * n, 3 * n + 3)
        moves += table.capacity != capacity
        capacity = table.capacity
    assert len(table) == 6000
    assert table.frame.tolist() == [0, 1, 2] * 2000
    assert moves < 8


def test_append_wants_every_column() -> None:
    with pytest.raises(ValueError, match="columns without values: command, content, copy_of"):
        PacketTable().append(**{n: np.zeros(1, d) for n, d in PacketTable.columns.items() if not n.startswith("co")})


def test_reorder_takes_copies_and_payloads_along() -> None:
    body = udp(bytes(range(200)), 5, 6)
    frames = [
        (2000, ethernet(ipv4(udp(b"first")))),
        (1000, ethernet(ipv4(body[:96], ip_id=7, fragment=0x2000))),
        (3000, ethernet(ipv4(body[96:], ip_id=7, fragment=12))),
        (1500, ethernet(ipv4(udp(b"early")))),
    ]
    table = read_capture(pcap(frames, nanoseconds=True))
    assert table.frame.tolist() == [1, 3, 4]
    table.copy_of[1] = 0
    table.reorder(np.argsort(table.time_ns, kind="stable"))
    assert table.payloads(range(3)) == [b"early", b"first", bytes(range(200))]
    assert table.copy_of.tolist() == [-1, -1, 1]
    assert list(table.pieces) == [2]
    assert table.payloads([]) == []
