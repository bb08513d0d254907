"""The law of the reader: what it makes of any bytes is what reading packet by packet makes of them."""

from __future__ import annotations

from capture.errors import CaptureError
from capture.opening import read_capture
from capture.table import PacketTable
from tests.capture import slow_reader


def assert_equal(data: bytes) -> None:
    try:
        table = read_capture(data)
    except CaptureError as caught:
        table, error = PacketTable(), caught
    slow = slow_reader.read(data)
    if not table.files:
        assert error.path == "<memory>"
        assert not slow.rows
        return
    file = table.files[0]
    found = []
    for row, payload in enumerate(table.payloads(range(len(table)))):
        assert payload == table.payload(row)
        hosts = [
            table.hosts6[n] if table.family6[row] else int(n).to_bytes(4, "big")
            for n in (table.src[row], table.dst[row])
        ]
        fixed = [int(table.stored(name)[row]) for name in ("frame", "time_ns", "interface")]
        ends = [hosts[0], int(table.sport[row]), hosts[1], int(table.dport[row])]
        rest = [int(table.stored(name)[row]) for name in slow_reader.COLUMNS[7:11]]
        last = [int(table.stored(name)[row]) for name in slow_reader.COLUMNS[12:]]
        found.append((*fixed, *ends, *rest, payload, *last))
    assert found == slow.rows
    assert file.packets == slow.frames
    assert file.not_udp == slow.not_udp
    assert file.malformed == slow.malformed
    assert file.fragments == slow.fragments
    assert file.fragments_pending == slow.pending
    assert file.udp == len(slow.rows)
    assert file.dht_messages == sum(row[12] in (1, 2) for row in slow.rows)
    assert file.undecodable == sum(row[12] == 5 for row in slow.rows)
    assert file.packets == file.udp + file.not_udp + file.malformed + file.fragments
    assert file.secrets == slow.secrets
    assert (file.truncated is None) == (slow.damaged_at is None)
    if file.truncated is not None:
        assert f"at byte {slow.damaged_at}:" in file.truncated
