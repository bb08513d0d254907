"""What is written to files: every form and scope, names that fit, modes, and the commands that do the same."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from app import names
from app.attempt_files import TOGETHER, WITH_SECRETS, attempt_content
from app.exports import ENDINGS, FORMS, Scope, Subject, Wanted, forms_of
from app.options import EXPORT_FORMATS
from capture.notes import NO_NOTES, PacketId, packet_id
from capture.said import names_of, notes_of
from capture.story import Story
from tests.app.running import LAB, PUNCHED, SAMPLE, Run, run

__all__ = ["run"]

TOUR = Story.open([str(SAMPLE)])
FIRST = TOUR.flows[0]
PACKET = FIRST.messages[0].sighting


def subject() -> Subject:
    flows = {Scope.MARKED: TOUR.flows[:2], Scope.ATTEMPT: TOUR.flows[:1], Scope.SHOWN: TOUR.flows}
    flows[Scope.TOGETHER] = TOUR.flows[2:5]
    notes = NO_NOTES.with_attempt_comment(FIRST.id, "über").with_comment(PACKET, "here")
    return Subject(TOUR, flows, notes, PACKET, lambda source: f"packet of {source.files[0].path}\n")


def wanted(scope: Scope, form: str, folder: Path, **more: bool) -> Wanted:
    made = Wanted(scope, form, more.get("redacted", False), more.get("secrets", False), "", folder, subject().stem)
    return made.named()


def test_the_dialog_offers_every_form_of_the_command() -> None:
    assert set(FORMS) == set(EXPORT_FORMATS)
    assert subject().counts() == {
        Scope.MARKED: 2,
        Scope.ATTEMPT: 1,
        Scope.SHOWN: 10,
        Scope.TOGETHER: 3,
        Scope.MESSAGE: 1,
    }


@pytest.mark.parametrize("redacted", [False, True])
@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_every_scope(form: str, scope: Scope, redacted: bool, tmp_path: Path) -> None:
    if form not in forms_of(scope):
        return
    said = subject().write(wanted(scope, form, tmp_path, redacted=redacted))
    files = sorted(tmp_path.iterdir())
    one = form in TOGETHER or scope in (Scope.ATTEMPT, Scope.MESSAGE, Scope.TOGETHER)
    assert len(files) == (1 if one else {Scope.MARKED: 2, Scope.SHOWN: 10}[scope])
    assert all(file.suffix == f".{ENDINGS[form]}" and file.stat().st_size for file in files)
    assert files[0].name in said or len(files) > 3
    assert ("masked" in said) == redacted
    if form in TOGETHER and scope is not Scope.MESSAGE:
        again = Story.open([str(files[0])])
        assert len(again.flows) >= {Scope.MARKED: 2, Scope.ATTEMPT: 1, Scope.SHOWN: 10, Scope.TOGETHER: 3}[scope]
    if form in TOGETHER and scope not in (Scope.MESSAGE, Scope.TOGETHER):
        found = notes_of(again.table.files)
        assert "über" in found.attempt_comments.values()
        assert "here" in found.packet_comments.values()
        assert (FIRST.id in {flow.id for flow in again.flows}) == (not redacted)


@pytest.mark.parametrize("form", ["text", "svg", "mermaid"])
def test_attempts_of_one_ladder_are_one_drawing(form: str, tmp_path: Path) -> None:
    """Every attempt has its letter, at its steps, above and below; what takes part in several is drawn once."""
    flows = TOUR.flows[2:5]
    choice = wanted(Scope.TOGETHER, form, tmp_path)
    subject().write(choice)
    drawn = choice.path.read_text()
    alone = [attempt_content(form, flow, TOUR).decode() for flow in flows]
    for letter, flow in zip("ABC", sorted(flows, key=lambda one: one.started), strict=True):
        assert flow.id in drawn
        assert str(flow.verdict.code) in drawn
        assert {"text": f"{letter}: hole-punch", "svg": f">{letter} #", "mermaid": f": {letter} "}[form] in drawn
    if form == "mermaid":
        actors = [line for line in drawn.splitlines() if line.strip().startswith("actor")]
        assert len(actors) < sum(line.strip().startswith("actor") for one in alone for line in one.splitlines())
    if form == "svg":
        ElementTree.fromstring(drawn)


@pytest.mark.parametrize("form", WITH_SECRETS)
def test_secrets_leave_only_when_asked_and_for_the_owner_alone(form: str, tmp_path: Path) -> None:
    secret = FIRST.key.holepunch_secret
    assert secret is not None
    plain = wanted(Scope.ATTEMPT, form, tmp_path)
    subject().write(plain)
    assert secret.hex().encode() not in plain.path.read_bytes()
    with_secrets = wanted(Scope.ATTEMPT, form, tmp_path, secrets=True)
    assert "0600" in subject().write(with_secrets)
    assert secret.hex().encode() in with_secrets.path.read_bytes()
    assert stat.S_IMODE(with_secrets.path.stat().st_mode) == 0o600


def test_no_file_is_written_over_unless_told(tmp_path: Path) -> None:
    choice = replace(wanted(Scope.ATTEMPT, "text", tmp_path), given="x.txt").named()
    (tmp_path / "x.txt").write_text("dear")
    assert "x.txt can't be written: File exists" in subject().write(choice)
    assert (tmp_path / "x.txt").read_text() == "dear"
    subject().write(choice, over=True)
    assert (tmp_path / "x.txt").read_text() != "dear"


def test_names_fit_the_form_and_are_free(tmp_path: Path) -> None:
    choice = wanted(Scope.ATTEMPT, "text", tmp_path)
    assert choice.name == f"peephole-{FIRST.id}.txt"
    (tmp_path / choice.name).touch()
    assert choice.named().name == f"peephole-{FIRST.id}-2.txt"
    mine = replace(choice, given="a.b.txt").named()
    assert replace(mine, form="svg").named().name == "a.b.svg"
    assert replace(choice, given="a.b").named().name == "a.b"
    assert FIRST.id not in replace(choice, redacted=True).named().name
    several = replace(wanted(Scope.MARKED, "svg", tmp_path), given="z").named()
    assert [path.name for path in subject().paths(several)] == [f"z-{flow.id}" for flow in TOUR.flows[:2]]


def test_the_command_writes_what_the_dialog_writes(run: Run, tmp_path: Path) -> None:
    story = Story.open([PUNCHED])
    (flow,) = story.flows
    for form in ("pcapng", "recording", "text"):
        choice = Wanted(Scope.ATTEMPT, form, False, False, "", tmp_path, "x").named()
        Subject(story, {Scope.ATTEMPT: [flow]}, NO_NOTES).write(choice)
        out = tmp_path / f"by-command.{form}"
        assert run("export", PUNCHED, "--flow", flow.id, "--format", form, "-o", str(out))[0] == 0
        assert choice.path.read_bytes() == out.read_bytes()


def test_record_keeps_everything(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "x.peephole"
    files = [str(LAB / "relayed" / f"{name}.pcap.gz") for name in ("client", "server")]
    status, _, err = run("record", *files, "-o", str(out), "--alias", "10.0.0.1=me")
    assert status == 0
    assert "packets to" in err
    story, again = Story.open(files), Story.open([str(out)])
    assert again.flows == story.flows
    assert again.files == story.files
    assert names_of(again.table.files) == {"10.0.0.1": "me"}
    assert run("record", str(out), "-o", str(out))[0] == 2
    assert run("record", str(out), "-o", str(out), "--force")[0] == 0
    assert Story.open([str(out)]).flows == story.flows
    names.use(names.NO_NAMES)


def test_record_with_keys_opens_what_was_opened(run: Run, tmp_path: Path) -> None:
    """A capture that lacks the lookup, its key given: with the key in the recording it opens without."""
    story = Story.open([str(LAB / "consistent-consistent" / "client.pcap.gz")])
    (flow,) = story.flows
    key = flow.key.server_public_key
    assert key is not None
    cut = tmp_path / "cut.peephole"
    rows = [row for row in range(len(story.table)) if row >= flow.messages[-1].sighting.row - 200]
    handshake = min(message.sighting.row for message in flow.messages if message.command == "PEER_HANDSHAKE")
    from capture.recording.writing import write_recording

    write_recording(cut, story.table, [row for row in rows if row >= handshake])
    assert Story.open([str(cut)]).flows[0].rounds[0].request is None
    plain, keyed = tmp_path / "plain.peephole", tmp_path / "keyed.peephole"
    assert run("record", str(cut), "--key", key.hex(), "-o", str(plain))[0] == 0
    assert run("record", str(cut), "--key", key.hex(), "--with-keys", "-o", str(keyed))[0] == 0
    assert Story.open([str(plain)]).flows[0].rounds[0].request is None
    assert Story.open([str(keyed)]).flows[0].rounds[0].request == flow.rounds[0].request
    assert stat.S_IMODE(keyed.stat().st_mode) == 0o600
    assert key.hex().encode() not in plain.read_bytes()
    assert key not in plain.read_bytes()


def test_redacted_reports_name_nobody(run: Run) -> None:
    status, out, _ = run("report", str(SAMPLE), "--redact-key", "a phrase", "-v")
    assert status == 0
    assert "11.1.0.2" not in out
    assert FIRST.target.hex() not in out
    assert out == run("report", str(SAMPLE), "--redact-key", "a phrase", "-v")[1]
    assert out != run("report", str(SAMPLE), "--redact", "-v")[1]
    assert run("report", str(SAMPLE), "--redact-ports")[1] != run("report", str(SAMPLE))[1]


def test_aliases_of_the_command_line(run: Run) -> None:
    assert FIRST.client is not None
    status, out, _ = run("report", str(SAMPLE), "--alias", f"{FIRST.client.host}=laptop")
    assert status == 0
    assert f"laptop:{FIRST.client.port}" in out
    status, _, err = run("report", str(SAMPLE), "--alias", "nobody")
    assert status == 2
    assert "--alias: nobody is not ADDRESS=NAME" in err
    names.use(names.NO_NAMES)


def test_comments_of_others_are_read_and_kept(tmp_path: Path) -> None:
    """A comment that Wireshark or editcap writes has no prefix; ours of what a packet is have one and are not read."""
    from capture.pcapng_writer import write_pcapng

    path = tmp_path / "x.pcapng"
    rows = list(range(20))
    comments = {3: ("first", "second"), 5: "peephole: PEER_HANDSHAKE", 7: " padded\n"}
    write_pcapng(
        path, TOUR.table, rows, comment=["of the file", f"attempt {FIRST.id}: of the attempt"], comments=comments
    )
    story = Story.open([str(path)])
    notes = notes_of(story.table.files)
    assert set(notes.packet_comments.values()) == {"first\nsecond", "padded"}
    assert notes.on(PacketId(0, int(story.table.frame[3]))) == "first\nsecond"
    assert notes.attempt_comments == {FIRST.id: "of the attempt"}
    said = story.table.files[0].said
    assert said is not None
    assert said.remarks == ["of the file"]
    assert packet_id(PACKET) == PacketId(PACKET.file, PACKET.frame)


@pytest.mark.parametrize("scope", list(Scope))
def test_a_masked_file_is_not_named_by_a_real_id(scope: Scope, tmp_path: Path) -> None:
    assert FIRST.id not in wanted(scope, forms_of(scope)[0], tmp_path, redacted=True).name
