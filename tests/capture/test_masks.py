"""The parts of masking: hosts, ports, keys, texts, frames of every sort, and what was opened with keys."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.export_pcapng import pcapng_export
from capture.envelopes import Kind
from capture.keylog import Label
from capture.masking.mask import Mask
from capture.masking.story import MaskedStory
from capture.masking.values import MaskedFlow
from capture.opening import open_captures, read_capture
from capture.pcapng_writer import write_pcapng
from capture.recording.writing import write_recording
from capture.story import Keys, Story
from protocol.address import Address
from protocol.hashes import node_id, target_of
from protocol.keys import z32_encode
from tests.app.running import LAB, SAMPLE
from tests.capture import build
from tests.capture.story_builder import Call
from tests.capture.test_flows_keys import keyless, log
from tests.capture.wire_builder import Wire
from tests.needs import need_tools

KEY = bytes(range(32))
PING = bytes.fromhex("0304 3412 0b000002 49c2 00")


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("10.1.2.3", "10.0.0.0/8"),
        ("172.20.0.9", "172.16.0.0/12"),
        ("192.168.1.1", "192.168.0.0/16"),
        ("169.254.9.9", "169.254.0.0/16"),
        ("100.64.3.3", "100.64.0.0/10"),
        ("127.0.0.5", "127.0.0.0/8"),
        ("9.9.9.9", "192.0.2.0/24"),
        ("fe80::1", "fe80::/64"),
        ("fd12::9", "fd00::/8"),
        ("2a00:1450::1", "2001:db8::/32"),
        ("::ffff:9.9.9.9", "::ffff:0:0/96"),
    ],
)
def test_hosts_stay_what_they_are(host: str, network: str) -> None:
    mask = Mask()
    assert ip_address(mask.host(host)) in ip_network(network)
    assert mask.host(host) == mask.host(host) != host


@pytest.mark.parametrize("host", ["0.0.0.0", "255.255.255.255", "224.0.0.251", "::", "::1", "ff02::fb"])
def test_what_is_everyones_stays(host: str) -> None:
    assert Mask().host(host) == host


def test_no_two_hosts_share_a_masked_one_and_none_gets_a_real_one() -> None:
    mask = Mask("x")
    real = [0x0B000000 + n for n in range(3000)] + [0xC0000201, 0xC0000202] + [0x0A000000 + n for n in range(1, 3000)]
    mask.avoid(real)
    masked = [mask.host4(host) for host in real]
    assert len(set(masked)) == len(real)
    assert not set(masked) & set(real)


def test_public_hosts_are_documentation_first_and_benchmarking_then() -> None:
    mask = Mask()
    masked = [ip_address(mask.host4(0x0B000000 + n)) for n in range(1000)]
    assert str(masked[0]) == "192.0.2.1"
    assert all(
        any(one in ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))
        for one in masked[:762]
    )
    assert all(one in ip_network("198.18.0.0/15") for one in masked[762:])


def test_ports_are_masked_as_one_order_of_all() -> None:
    mask = Mask(ports=True)
    masked = [mask.port(port) for port in range(1 << 16)]
    assert sorted(masked) == list(range(1 << 16))
    assert masked[:1024] == list(range(1024))
    assert sum(a == b for a, b in enumerate(masked[1024:], 1024)) < 50
    assert [Mask().port(port) for port in (0, 53, 49737)] == [0, 53, 49737]


def test_keys_targets_and_ids_fit_each_other() -> None:
    mask = Mask()
    assert target_of(mask.key(KEY)) == mask.target(target_of(KEY))
    address = Address("9.9.9.9", 49737)
    mask.know_nodes(bytes((9, 9, 9, 9)) + (49737).to_bytes(2, "little"))
    assert mask.node(node_id(address)) == node_id(mask.address(address))
    assert mask.node(KEY) == mask.node(KEY) != KEY


@given(data=st.binary(max_size=90), cut=st.integers(0, 90))
def test_the_start_of_opaque_bytes_is_the_start_of_the_masked_ones(data: bytes, cut: int) -> None:
    mask = Mask("x")
    whole = mask.opaque(data)
    assert len(whole) == len(data)
    assert whole[: len(data[:cut])] == mask.opaque(data[:cut])[:32] + whole[32 : len(data[:cut])]


def test_a_cut_long_body_is_the_start_of_the_whole() -> None:
    mask = Mask("x")
    body = bytes(range(200))
    for cut in (1, 8, 31, 32, 33, 100, 199):
        assert mask.opaque(body).startswith(mask.opaque(body[:cut]))


def test_texts_name_what_is_masked() -> None:
    mask = Mask()
    key, target = mask.key(KEY), mask.target(target_of(KEY))
    told = mask.text(
        f"11.0.0.2:49737 asks [2a00::9]:1, then 11.0.0.2, for {KEY.hex()} ({z32_encode(KEY)}), i.e. "
        f"{target_of(KEY).hex()[:8]}… at 12:30:45.123, 99 of 100.5 packets; id DEADBEEFCAFE, 1.2.3.4.5 no; 300.1.1.1"
    )
    host = mask.host("11.0.0.2")
    said, _, last = told.partition("; id ")
    assert said == (
        f"{host}:49737 asks [{mask.host('2a00::9')}]:1, then {host}, for {key.hex()} ({z32_encode(key)}), i.e. "
        f"{target.hex()[:8]}… at 12:30:45.123, 99 of 100.5 packets"
    )
    assert last[12:] == ", 1.2.3.4.5 no; 300.1.1.1"
    assert "DEADBEEFCAFE" not in told
    assert mask.text("see 02:42:ac:11:00:02") == f"see {mask.mac(bytes.fromhex('0242ac110002')).hex(':')}"
    assert mask.text("nothing here: 12345678 packets") == "nothing here: 12345678 packets"


def frames() -> Iterator[tuple[int, list[bytes]]]:
    """Link type and frames: plain, tagged, with options, in fragments, cooked, IPv6, null, raw."""
    body = build.udp(PING)
    long = build.udp(bytes(range(60)))
    yield (
        1,
        [
            build.ethernet(build.ipv4(body, "11.0.0.1", "11.0.0.2")),
            build.ethernet(build.ipv4(body, "11.0.0.1", "11.0.0.3"), tags=b"\x81\0\0\1"),
            build.ethernet(build.ipv4(body, "11.0.0.1", "11.0.0.4", options=bytes((7, 7, 4, 11, 0, 0, 1, 0)))),
            build.ethernet(build.ipv4(long[:32], "11.0.0.1", "11.0.0.5", ip_id=7, fragment=0x2000)),
            build.ethernet(build.ipv4(long[32:], "11.0.0.1", "11.0.0.5", ip_id=7, fragment=4)),
        ],
    )
    six = build.ipv6(body, bytes.fromhex("2a001450") + bytes(12), bytes.fromhex("2a001451") + bytes(12))
    yield 1, [build.ethernet(six, 0x86DD)]
    yield 276, [build.sll2(build.ipv4(body, "11.0.0.1", "11.0.0.2"))]
    yield 101, [build.ipv4(body, "11.0.0.1", "11.0.0.2"), six]
    yield 0, [b"\2\0\0\0" + build.ipv4(body, "11.0.0.1", "11.0.0.2")]


@pytest.mark.parametrize(("linktype", "content"), list(frames()))
def test_frames_of_every_sort_are_written_anew(linktype: int, content: list[bytes], tmp_path: Path) -> None:
    table = read_capture(build.pcap(content, linktype))
    behind = MaskedStory(Story(table), Mask("x"))
    path = tmp_path / "x.pcapng"
    write_pcapng(path, behind.table, range(len(table)))
    again = read_capture(str(path))
    raw = path.read_bytes()
    for real in (bytes((11, 0, 0)), b"DDDDDD", b"SSSSSS", b"\x2a\x00\x14"):
        assert real not in raw
    assert len(again) == len(table)
    assert again.files[0].malformed == 0
    for row in range(len(table)):
        assert again.source(row) == behind.masking.mask.address(table.source(row))
        assert again.payload(row) == behind.table.payload(row)
        assert (int(again.ttl[row]), int(again.ip_id[row])) == (int(table.ttl[row]), int(table.ip_id[row]))
    if linktype in (0, 1, 101):
        need_tools("tshark")
        command = ["tshark", "-r", str(path), "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"]
        fields = ["-T", "fields", "-e", "ip.checksum.status", "-e", "udp.checksum.status"]
        said = subprocess.run([*command, *fields], capture_output=True, text=True, check=True).stdout
        assert len(said.splitlines()) == len(table)
        assert set(said.split()) <= {"1"}


def test_opened_noise_messages_open_again(tmp_path: Path) -> None:
    """With the key log that goes with the masked capture, and with nothing else."""
    wire, call = keyless()
    story = wire.story(log(tmp_path / "keys.log", call, *[label for label in Label if "TOKEN" not in label]))
    (flow,) = story.flows
    assert flow.key.noise1 is not None
    behind = MaskedStory(story, Mask("x"))
    (shown,) = behind.flows
    assert isinstance(shown, MaskedFlow)
    lines = behind.masking.attempt(flow).secrets
    out = io.BytesIO()
    write_recording(out, behind.table, secrets=lines)
    (tmp_path / "x.peephole").write_bytes(out.getvalue())
    (again,) = Story.open([str(tmp_path / "x.peephole")]).flows
    assert again.key.noise1 == shown.key.noise1
    assert again.key.noise2 == shown.key.noise2 != flow.key.noise2
    assert again.key.client_public_key == shown.key.client_public_key != flow.key.client_public_key
    assert again.rounds == shown.rounds
    assert again.verdict.code == flow.verdict.code
    content = out.getvalue()
    for secret in (call.noise.secret, call.noise.payload_1_key, call.key.public_key, call.noise.noise1[:32]):
        assert secret not in content
        assert secret.hex().encode() not in content
    assert "keys.log" not in repr(shown.key)
    with_real = Story.open([str(tmp_path / "x.peephole")], Keys(secret_keys=(call.key.seed,)))
    assert with_real.flows[0].key.noise1 == again.key.noise1, "the server's own key opens nothing more"


def test_an_attempt_whose_key_was_given_opens_from_an_export(tmp_path: Path) -> None:
    wire, call = keyless()
    story = wire.story(Keys(public_keys=(call.key.public_key,)))
    (flow,) = story.flows
    behind = MaskedStory(story, Mask("x"))
    shown = behind.masking.flow(flow)
    path = tmp_path / "x.pcapng"
    path.write_bytes(pcapng_export(behind.table, shown, lines=behind.masking.attempt(flow).secrets))
    (again,) = Story.open([str(path)]).flows
    assert again.rounds[0].request == shown.rounds[0].request is not None
    assert again.verdict.code == flow.verdict.code


@pytest.mark.parametrize("snaplen", [100, 130, 162, 192, 222])
def test_cut_captures_tell_the_same_story(snaplen: int, tmp_path: Path) -> None:
    wire = Wire()
    Call(wire).connect()
    wire.idle()
    story = wire.story(snaplen=snaplen)
    behind = MaskedStory(story, Mask("x"))
    behind.make_all()
    write_recording(tmp_path / "x.peephole", behind.table)
    again = Story.open([str(tmp_path / "x.peephole")])
    assert len(again.flows) == len(story.flows)
    for one, other in zip(story.flows, again.flows, strict=True):
        assert other.verdict.code == one.verdict.code
        assert [(m.command, m.mode, m.tid) for m in other.messages] == [
            (m.command, m.mode, m.tid) for m in one.messages
        ]
        assert [step.kind for step in other.steps] == [step.kind for step in one.steps]


def test_several_vantages_stay_one_story(tmp_path: Path) -> None:
    files = sorted(map(str, (LAB / "consistent-random").glob("*.pcap.gz")))
    story = Story.open(files)
    behind = MaskedStory(story, Mask("x"))
    lines = behind.make_all()
    write_recording(tmp_path / "x.peephole", behind.table, secrets=lines)
    again = Story.open([str(tmp_path / "x.peephole")])
    assert [file.path for file in again.files] == [f"capture-{n}.pcap" for n in range(1, len(files) + 1)]
    assert [file.clock_offset for file in again.files] == [file.clock_offset for file in story.files]
    assert np.array_equal(again.table.copy_of, story.table.copy_of)
    for one, other in zip(story.flows, again.flows, strict=True):
        assert (other.verdict.code, len(other.steps)) == (one.verdict.code, len(one.steps))


def test_masked_ports_keep_the_verdicts(tmp_path: Path) -> None:
    story = Story.open([str(SAMPLE)])
    behind = MaskedStory(story, Mask("x", ports=True))
    behind.make_all()
    write_recording(tmp_path / "x.peephole", behind.table)
    again = Story.open([str(tmp_path / "x.peephole")])
    assert [flow.verdict.code for flow in again.flows] == [flow.verdict.code for flow in story.flows]
    assert set(again.table.sport.tolist()) != set(story.table.sport.tolist())


def test_what_is_no_message_of_ours_says_nothing_and_stays_apart() -> None:
    payloads = [b"GET /secret HTTP", b"GET /secret HTTQ", b"\x05", b"\x00", b"\x03\x08", b"\xff\x01\x00", b"x" * 300]
    table = read_capture(build.pcap([build.ethernet(build.ipv4(build.udp(one))) for one in payloads]))
    behind = MaskedStory(Story(table), Mask("x"))
    masked = behind.table.payloads(range(len(payloads)))
    out = io.BytesIO()
    write_pcapng(out, behind.table, range(len(payloads)))
    again = read_capture(out.getvalue())
    assert again.kind.tolist() == table.kind.tolist()
    assert [len(one) for one in masked] == [len(one) for one in payloads]
    assert masked[0] != masked[1]
    assert b"secret" not in out.getvalue()
    assert masked[3] == b"\x00"
    assert list(again.kind).count(Kind.PUNCH) == 1


@given(
    payload=st.binary(min_size=1, max_size=120),
    more=st.integers(0, 50),
    first=st.sampled_from([b"\x03", b"\x13", b"\xff\x01", b""]),
)
def test_any_payload_can_be_masked(payload: bytes, more: int, first: bytes) -> None:
    """Whatever the bytes are: as many come out, of the same kind, and the same ones each time."""
    data = first + payload
    table = read_capture(build.pcap([build.ethernet(build.ipv4(build.udp(data, length=8 + len(data) + more)))]))
    behind = MaskedStory(Story(table), Mask("x"))
    for row in range(len(table)):
        masked = behind.table.payload(row)
        assert len(masked) == len(table.payload(row))
        assert masked == MaskedStory(Story(table), Mask("x")).table.payload(row)


def test_a_masked_table_reads_like_a_table() -> None:
    table = open_captures([str(SAMPLE)])
    behind = MaskedStory(Story(table), Mask("x"))
    masked = behind.table
    assert len(masked) == len(table)
    for name in table.columns:
        assert masked.stored(name).shape == table.stored(name).shape
    row = int(np.flatnonzero(table.kind == Kind.REQUEST)[0])
    assert masked.source(row) == behind.masking.mask.address(table.source(row))
    assert masked.whole_frame(row)[0] == masked.frame_bytes(row)
    assert masked.payloads([row]) == [masked.payload(row)]


def test_those_who_see_different_hosts_of_a_network_mask_them_alike() -> None:
    hosts = [0xC0A80000 + n for n in range(1 << 12)]
    one, other = Mask("x", shared=True), Mask("x", shared=True)
    one.avoid(hosts[:1000])
    masked = [one.host4(host) for host in hosts]
    assert len(set(masked)) == len(hosts)
    assert {host >> 16 for host in masked} == {0xC0A8}
    assert not any(a == b for a, b in zip(hosts, masked, strict=True))
    assert [other.host4(host) for host in hosts[::-999]] == masked[::-999]
    assert {host & 0xFF for host in masked[1:0xFF]}.isdisjoint({0, 0xFF})
