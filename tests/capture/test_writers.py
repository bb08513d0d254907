"""What the writers write, our reader and tshark read back: the same frames, times, comments."""

from __future__ import annotations

import io
import json
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from capture.keylog import SECRETS_TYPE
from capture.opening import open_captures, read_capture
from capture.pcap_writer import write_pcap
from capture.pcapng_writer import PcapngWriter, write_pcapng
from capture.table import PacketTable
from tests.capture.build import ethernet, ipv4, pcap, sll2, udp
from tests.needs import need_tools

TSHARK = shutil.which("tshark")


@pytest.fixture
def tshark() -> None:
    """Somebody else can read the files."""
    need_tools("tshark")


T0 = 1_700_000_000 * 10**9


def two_sources() -> PacketTable:
    table = PacketTable()
    wired = [(T0 + 1_000, ethernet(ipv4(udp(b"one")))), (T0 + 5_001, ethernet(ipv4(udp(b"three"))))]
    cooked = [(T0 + 3_000, sll2(ipv4(udp(b"two" * 50))))]
    read_capture(pcap(wired, 1, nanoseconds=True), table)
    read_capture(pcap(cooked, 276, ">", snaplen=80), table)
    return table


def rows_of(table: PacketTable) -> list[tuple[object, ...]]:
    found = []
    for row in range(len(table)):
        linktype = table.files[int(table.file[row])].interfaces[int(table.interface[row])].linktype
        frame = table.frame_bytes(row), int(table.frame_wire_length[row])
        found.append((int(table.time_ns[row]), linktype, *frame, table.payload(row)))
    return sorted(found)  # type: ignore[type-var]


def test_pcapng_reads_back() -> None:
    table = two_sources()
    out = io.BytesIO()
    assert write_pcapng(out, table, range(3)) == 3
    again = read_capture(out.getvalue())
    assert rows_of(again) == rows_of(table)
    assert again.time_ns.tolist() == [T0 + 1_000, T0 + 3_000, T0 + 5_001]
    assert [interface.linktype for interface in again.files[0].interfaces] == [1, 276]


def test_pcap_reads_back_and_holds_one_link_type() -> None:
    table = two_sources()
    out = io.BytesIO()
    assert write_pcap(out, table, [1, 0]) == 2
    assert rows_of(read_capture(out.getvalue())) == [r for r in rows_of(table) if r[1] == 1]
    with pytest.raises(ValueError, match="one link type, not 1, 276"):
        write_pcap(io.BytesIO(), table, [0, 2])


def test_fragmented_datagrams_are_written_whole() -> None:
    body = udp(bytes(range(200)))
    frames = [
        ethernet(ipv4(body[:96], ip_id=7, fragment=0x2000)),
        ethernet(ipv4(udp(b"between"))),
        ethernet(ipv4(body[96:], ip_id=7, fragment=12)),
    ]
    table = read_capture(pcap(frames))
    assert table.payloads([0, 1]) == [b"between", bytes(range(200))]
    out = io.BytesIO()
    assert write_pcapng(out, table, [1]) == 2
    again = read_capture(out.getvalue())
    assert again.payloads([0]) == [bytes(range(200))]


def test_secrets_only_on_demand_and_then_private(tmp_path: Path) -> None:
    table = two_sources()
    plain, private = tmp_path / "plain.pcapng", tmp_path / "private.pcapng"
    private.write_bytes(b"was here before, open to all")
    private.chmod(0o644)
    write_pcapng(plain, table, range(3))
    write_pcapng(str(private), table, range(3), secrets=b"HOLEPUNCH_SECRET 00 11\n")
    assert open_captures([str(plain)]).files[0].secrets == []
    assert open_captures([str(private)]).files[0].secrets == [b"HOLEPUNCH_SECRET 00 11\n"]
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert SECRETS_TYPE.to_bytes(4, "little") in private.read_bytes()


def test_absurd_packets_are_refused() -> None:
    writer = PcapngWriter(io.BytesIO())
    with pytest.raises(ValueError, match="interface 0"):
        writer.add_packet(0, T0, b"", 0)


@pytest.mark.usefixtures("tshark")
def test_tshark_reads_comments_interfaces_and_times(tmp_path: Path) -> None:
    table = two_sources()
    path = tmp_path / "out.pcapng"
    comments = {0: "first: a “quoted” word", 2: "x" * 70_000}
    write_pcapng(path, table, range(3), comment="a story", comments=comments, secrets=b"KEY\n")
    fields = ("frame.time_epoch", "frame.comment", "frame.interface_id", "frame.encap_type", "frame.len", "udp.payload")
    command = [str(TSHARK), "-n", "-r", str(path), "-T", "json", *(x for name in fields for x in ("-e", name))]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    layers = [packet["_source"]["layers"] for packet in json.loads(done.stdout)]
    times = [layer["frame.time_epoch"][0].replace(".", "") for layer in layers]
    assert times == [str(T0 + 1_000), str(T0 + 3_000), str(T0 + 5_001)]
    assert layers[0]["frame.comment"] == ["first: a “quoted” word"]
    assert "frame.comment" not in layers[2]
    assert layers[1]["frame.comment"] == ["x" * 65_535]
    assert [layer["frame.interface_id"][0] for layer in layers] == ["0", "1", "0"]
    assert layers[1]["frame.len"] == [str(20 + 28 + 150)]
    assert layers[0]["udp.payload"] == [b"one".hex()]
    capinfos = subprocess.run([str(TSHARK), "-r", str(path), "-q", "-z", "io,stat,0"], check=True, capture_output=True)
    assert capinfos.stderr.count(b"rror") == 0


@pytest.mark.usefixtures("tshark")
def test_tshark_reads_pcap(tmp_path: Path) -> None:
    path = tmp_path / "out.pcap"
    write_pcap(path, two_sources(), [0, 1])
    command = [str(TSHARK), "-n", "-r", str(path), "-T", "fields", "-e", "frame.time_epoch", "-e", "udp.payload"]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = [f"1700000000.000001000\t{b'one'.hex()}", f"1700000000.000005001\t{b'three'.hex()}"]
    assert out.splitlines() == lines
