"""Masked captures: nothing of the original is in any form of them, and they tell the same story."""

from __future__ import annotations

import io
import re
from ipaddress import ip_address
from pathlib import Path

import pytest

from app.attempt_files import attempt_content
from app.export_pcapng import pcapng_export
from app.report_json import report_pieces
from app.report_text import UNFOLDED, Style, report_lines
from capture.envelopes import Kind
from capture.flow import Flow
from capture.masking.mask import Mask
from capture.masking.story import MaskedStory
from capture.masking.values import MaskedFlow
from capture.recording.writing import write_recording
from capture.story import Story
from protocol.dissect import Field, dissect, dissect_holepunch_payload
from protocol.keys import z32_encode
from protocol.messages import Address
from tests.app.running import LAB, SAMPLE
from tests.capture.traces import bytes_in, words_in

RUNS = sorted(path for path in LAB.iterdir() if path.is_dir())
CAPTURES = [SAMPLE, *(run / f"{vantage}.pcap.gz" for run in RUNS for vantage in ("client", "wan"))]
OTHERS = {run / f"{('wan', 'client')[number % 2]}.pcap.gz" for number, run in enumerate(RUNS)}
"""One vantage of each run, for the thorough part."""
NOBODY = {"0.0.0.0", "255.255.255.255"}
SECRET = "a phrase for tests"
BINARY = ("pcapng", "recording")


def name(path: Path) -> str:
    return f"{path.parent.name}-{path.name.partition('.')[0]}"


class Originals:
    """Everything in a capture that says who or where."""

    def __init__(self, story: Story) -> None:
        self.hosts: set[str] = set()
        self.keys: set[bytes] = set()
        table = story.table
        for row in range(len(table)):
            self.hosts |= {table.source(row).host, table.destination(row).host}
            if table.kind[row] in (Kind.REQUEST, Kind.RESPONSE):
                self._take(dissect(table.payload(row), int(table.wire_length[row])))
        for flow in story.flows:
            self.keys |= {key for key in (flow.key.server_public_key, flow.key.client_public_key, flow.target) if key}
            self.keys |= {key for key in (flow.key.handshake_hash, flow.key.holepunch_secret) if key}
            self.keys.add(bytes.fromhex(flow.id))
            for lane in flow.lanes:
                self.hosts |= {address.host for address in (*lane.addresses, *lane.inside)}
            for message in flow.messages:
                if message.payload is not None:
                    self.keys.add(message.payload.sealed[:32])
                    if message.command == "PEER_HOLEPUNCH" and message.payload.plaintext is not None:
                        self._take(dissect_holepunch_payload(message.payload.plaintext))
        self.hosts -= NOBODY

    def _take(self, field: Field) -> None:
        if isinstance(field.value, Address):
            self.hosts.add(field.value.host)
        named = field.name in ("id", "target", "token", "remote_token", "public_key", "refresh", "signature", "noise")
        if named and isinstance(field.value, bytes) and any(field.value):
            self.keys.add(field.value[:32])
        for child in field.children:
            self._take(child)


def assert_nothing_left(content: bytes, known: Originals, *, binary: bool) -> None:
    """No host and no key of the original, in text or in bytes."""
    hosts = sorted(known.hosts)
    texts = b"|".join(re.escape(host).encode() for host in hosts)
    found = re.findall(rb"(?<![0-9.])(?:" + texts + rb")(?![0-9])(?!\.[0-9])", content)
    assert not found, found[:5]
    texts_of_keys = {text for key in known.keys for text in (key.hex(), z32_encode(key))}
    texts_of_keys |= {key.hex()[:16] for key in known.keys if len(key) >= 16}
    assert words_in(content, (text.encode() for text in texts_of_keys)) == []
    assert bytes_in(content, known.keys) == []
    if binary:
        packed = [ip_address(host).packed for host in hosts]
        assert bytes_in(content, [*packed, *(one[::-1] for one in packed)]) == []


def forms(story: Story, flows: tuple[Flow, ...], behind: MaskedStory) -> dict[str, bytes]:
    """Every form in which something can leave the program."""
    out: dict[str, bytes] = {}
    for flow in flows:
        for form in ("text", "json", "svg", "mermaid", "markdown"):
            out[form] = out.get(form, b"") + attempt_content(form, flow, behind)
    out["report"] = "\n".join(report_lines(behind, flows, Style(UNFOLDED), verbose=True)).encode()
    out["report json"] = "".join(report_pieces(behind.files, flows, notes=behind.notes)).encode()
    out["pcapng"] = pcapng_export(behind.table, flows)
    stream = io.BytesIO()
    write_recording(stream, behind.table)
    out["recording"] = stream.getvalue()
    return out


class Seen:
    """A capture, and every form of it behind a mask: made once for all tests of it."""

    def __init__(self, path: Path) -> None:
        self.story = Story.open([str(path)])
        self.behind = MaskedStory(self.story, Mask(SECRET))
        self.forms = forms(self.story, self.behind.flows, self.behind)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(path, id=name(path), marks=[pytest.mark.thorough] if path in OTHERS else []) for path in CAPTURES
    ],
)
def seen(request: pytest.FixtureRequest) -> Seen:
    return Seen(request.param)


def test_nothing_of_the_original_is_left(seen: Seen) -> None:
    known = Originals(seen.story)
    assert known.hosts
    for form, content in seen.forms.items():
        assert_nothing_left(content, known, binary=form in BINARY)


def test_a_masked_capture_tells_the_same_story(seen: Seen, tmp_path: Path) -> None:
    plain = tmp_path / "plain.pcapng"
    plain.write_bytes(pcapng_export(seen.story.table, seen.story.flows))
    for ending in BINARY:
        file = tmp_path / f"x.{ending}"
        file.write_bytes(seen.forms[ending])
        wanted = seen.story if ending == "recording" else Story.open([str(plain)])
        again = Story.open([str(file)])
        assert len(again.flows) == len(wanted.flows)
        for one, other in zip(wanted.flows, again.flows, strict=True):
            assert other.verdict.code == one.verdict.code
            assert (other.outcome, other.path, other.fast_open) == (one.outcome, one.path, one.fast_open)
            assert (other.client_token, other.server_token) == (one.client_token, one.server_token)
            assert (other.client_firewall, other.server_firewall) == (one.client_firewall, one.server_firewall)
            assert [step.kind for step in other.steps] == [step.kind for step in one.steps]
            assert [this.round for this in other.rounds] == [this.round for this in one.rounds]
            assert [this.request is None for this in other.rounds] == [this.request is None for this in one.rounds]
            assert len(other.messages) == len(one.messages)
        assert [file.undecodable for file in again.files] == [file.undecodable for file in wanted.files]
        assert [file.duplicates for file in again.files] == [file.duplicates for file in wanted.files]


@pytest.mark.parametrize("path", CAPTURES[:9], ids=name)
def test_values_and_bytes_are_masked_alike(path: Path, tmp_path: Path) -> None:
    """What a masked flow says is what the flow of the masked bytes says."""
    story = Story.open([str(path)])
    behind = MaskedStory(story, Mask(SECRET))
    file = tmp_path / "x.peephole"
    behind.make_all()
    write_recording(file, behind.table)
    again = Story.open([str(file)])
    shown = {flow.id: flow for flow in behind.flows}
    for flow in again.flows:
        if not flow.relays:
            continue  # a search: its id is no hash of anything on the wire
        value = shown[flow.id]
        assert isinstance(value, MaskedFlow)
        assert value.target == flow.target
        assert value.key.server_public_key == flow.key.server_public_key
        assert value.key.handshake_hash == flow.key.handshake_hash
        assert value.key.holepunch_secret == flow.key.holepunch_secret
        assert (value.client, value.server) == (flow.client, flow.server)
        assert value.rounds == flow.rounds
        assert [one.payload for one in value.messages] == [one.payload for one in flow.messages]
        assert value.verdict == flow.verdict


def test_without_a_phrase_no_two_masks_are_alike() -> None:
    address = Address("11.22.33.44", 5)
    key = bytes(range(32))
    assert Mask().key(key) != Mask().key(key)
    assert Mask("a").key(key) == Mask("a").key(key) != Mask("b").key(key)
    assert Mask("a").address(address) == Mask("a").address(address) != Mask("b").address(address)
