"""pcapng: the packets of one attempt alone, told apart by comments, readable again with the same verdict."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from app.cli import main
from app.export_pcapng import SEEN_AGAIN, attempt_secrets, packet_comments, pcapng_export
from capture.keylog import KeyLog
from capture.model import Flow, StepKind
from capture.story import Story
from tests.app.running import LAB, PUNCHED, RANDOM, SAMPLE, Run, run
from tests.needs import need_tools

__all__ = ["run"]

CAPTURES = [PUNCHED, RANDOM, str(SAMPLE)]


def again(flow: Flow, story: Story, folder: Path, *, secrets: bool = False) -> Story:
    """The story of an attempt's export."""
    path = folder / f"{flow.id}.pcapng"
    path.write_bytes(pcapng_export(story.table, flow, secrets=secrets))
    return Story.open([str(path)])


@pytest.mark.parametrize("capture", CAPTURES, ids=["punched", "random", "tour"])
def test_an_export_tells_the_same_story(capture: str, tmp_path: Path) -> None:
    story = Story.open([capture])
    for flow in story.flows:
        exported = again(flow, story, tmp_path)
        assert [one.id for one in exported.flows] == [flow.id]
        (one,) = exported.flows
        assert one.verdict.code == flow.verdict.code
        assert one.rounds[:1] == () or one.rounds[0].request == flow.rounds[0].request
        assert (one.client_token, one.server_token) == (flow.client_token, flow.server_token)


def test_frames_are_the_originals() -> None:
    story = Story.open([PUNCHED])
    (flow,) = story.flows
    content = pcapng_export(story.table, flow)
    for message in flow.messages:
        assert story.table.frame_bytes(message.sighting.row) in content


def test_every_packet_says_what_it_is() -> None:
    story = Story.open([PUNCHED])
    (flow,) = story.flows
    comments = packet_comments(flow)
    for message in flow.messages:
        said = comments[message.sighting.row]
        assert said.startswith(message.command)
        assert f"{message.from_role} → {message.to_role}" in said
    for evidence in flow.verdict.evidence:
        assert f"proves punched: {evidence.says}" in comments[evidence.sighting.row]
    punches = [step for step in flow.steps if step.kind is StepKind.PUNCH]
    assert all(comments[member.row].startswith("punch, ") for step in punches for member in step.members)


def test_copies_come_along() -> None:
    story = Story.open([str(SAMPLE)])
    flow = next(flow for flow in story.flows if flow.verdict.code == "punched")
    content = pcapng_export(story.table, flow)
    assert content.count(SEEN_AGAIN.encode()) > 10


def test_secrets_only_on_demand(run: Run, tmp_path: Path) -> None:
    story = Story.open([PUNCHED])
    (flow,) = story.flows
    secret = flow.key.holepunch_secret
    assert secret is not None
    assert secret.hex().encode() not in pcapng_export(story.table, flow)
    assert secret.hex().encode() in pcapng_export(story.table, flow, secrets=True)
    out = tmp_path / "a.pcapng"
    assert run("export", PUNCHED, "--flow", flow.id, "--format", "pcapng", "--secrets", "-o", str(out))[0] == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    (file,) = Story.open([str(out)]).table.files
    (log,) = file.secrets
    assert KeyLog.parse(log).errors == []
    assert len(attempt_secrets(flow)) == 2


def test_with_its_secrets_an_export_opens_without_the_lookup(tmp_path: Path) -> None:
    """A capture that begins after the lookup lacks the key; the secrets block replaces it."""
    story = Story.open([str(LAB / "consistent-consistent" / "client.pcap.gz")])
    (flow,) = story.flows
    closed, opened = (
        Story.open([str(write_without_lookup(story, flow, tmp_path / name, secrets))])
        for name, secrets in (("closed", False), ("opened", True))
    )
    assert closed.flows[0].rounds[0].request is None
    assert opened.flows[0].rounds[0].request == flow.rounds[0].request
    assert opened.flows[0].key.source == "keylog"


def write_without_lookup(story: Story, flow: Flow, path: Path, secrets: bool) -> Path:
    from capture.keylog import format_secrets
    from capture.pcapng_writer import write_pcapng

    rows = [message.sighting.row for message in flow.messages if message.command.startswith("PEER_")]
    log = format_secrets(attempt_secrets(flow)).encode() if secrets else None
    write_pcapng(str(path), story.table, rows, secrets=log)
    return path


def test_tshark_reads_it_and_shows_the_comments(tmp_path: Path) -> None:
    need_tools("tshark")
    story = Story.open([PUNCHED])
    (flow,) = story.flows
    path = tmp_path / "a.pcapng"
    path.write_bytes(pcapng_export(story.table, flow, secrets=True))
    fields = ["-T", "fields", "-e", "frame.comment"]
    done = subprocess.run(["tshark", "-r", str(path), *fields], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) >= len(packet_comments(flow))
    assert all(lines)


def test_binary_does_not_go_to_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    status = main(["export", PUNCHED, "--flow", "0", "--format", "pcapng"])
    assert status == 2
    assert "pcapng is binary" in capsys.readouterr().err
