"""The command line: what each command prints where, its exit status, and a clear sentence for every bad input."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import json
import os
import signal
import stat
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.cli import main
from app.commands.report import check_status
from app.exit_status import ExitStatus
from app.options import COMMANDS, parser_of
from capture.keylog_files import HOOK
from capture.model import TokenState
from tests.app.flows_by_hand import BOTH_RANDOM, FAST_OPEN, SEALED, TWO_ROUNDS

LAB = Path(__file__).parent.parent / "fixtures" / "lab"
PUNCHED = str(LAB / "consistent-consistent" / "wan.pcap.gz")
RANDOM = str(LAB / "random-random" / "client.pcap.gz")

NOBODY = 65534

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process: status, standard output, standard error."""

    def call(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return int(status), out, err

    return call


def pcap(*frames: bytes, link: int = 1) -> bytes:
    """A little-endian pcap file, frames a second apart."""
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    records = (struct.pack("<IIII", 1_700_000_000 + i, 0, len(f), len(f)) + f for i, f in enumerate(frames))
    return head + b"".join(records)


def udp_frame(payload: bytes) -> bytes:
    """An Ethernet frame with a UDP datagram over IPv4."""
    udp = struct.pack(">HHHH", 4000, 53, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
    return b"\2\0\0\0\0\1" + b"\2\0\0\0\0\2" + b"\x08\0" + ip + udp


def test_without_arguments_it_helps(run: Run) -> None:
    for arguments in ((), ("--help",), ("-h",)):
        status, out, err = run(*arguments)
        assert (status, err) == (0, "")
        for command in COMMANDS:
            assert f"peephole {command}" in out


def test_version(run: Run) -> None:
    status, out, _ = run("--version")
    assert status == 0
    assert out.startswith("peephole ")


@pytest.mark.parametrize("command", [*COMMANDS, "open"])
def test_every_command_explains_itself(run: Run, command: str) -> None:
    status, out, err = run(
        *([] if command == "open" else [command]), *(["x", "--help"] if command == "open" else ["--help"])
    )
    assert (status, err) == (0, "")
    assert out.startswith("usage: peephole")


def test_the_hooks_path_is_printed_and_there(run: Run) -> None:
    status, out, _ = run("keylog-hook")
    assert status == 0
    assert out.strip() == str(HOOK)
    assert HOOK.is_file()


def test_report_for_people(run: Run) -> None:
    status, out, err = run("report", PUNCHED)
    assert (status, err) == (0, "")
    assert "punched" in out
    assert out.endswith("1 attempt · 1 connected\n")


def test_report_as_json(run: Run) -> None:
    status, out, err = run("report", "--json", PUNCHED)
    assert (status, err) == (0, "")
    report = json.loads(out)
    assert [flow["verdict"]["code"] for flow in report["flows"]] == ["punched"]
    assert report["flows"][0]["key"]["holepunch_secret"] is None


def test_secrets_on_demand(run: Run) -> None:
    truth = (LAB / "consistent-consistent" / "truth.json").read_text()
    _, out, _ = run("report", "--json", "--secrets", PUNCHED)
    secret = json.loads(out)["flows"][0]["key"]["holepunch_secret"]
    assert len(secret) == 64
    assert secret in truth


def test_check_tells_failures_from_successes(run: Run) -> None:
    assert run("report", "--check", PUNCHED)[0] == 0
    assert run("report", "--check", RANDOM)[0] == ExitStatus.ATTEMPT_FAILED == 10
    assert run("report", RANDOM)[0] == 0
    assert run("report", "--check", "--filter", "outcome == connected", RANDOM)[0] == 0


def test_a_token_mismatch_is_graver_than_a_failure() -> None:
    wrong = replace(TWO_ROUNDS, client_token=TokenState.MISMATCH)
    assert check_status([FAST_OPEN, TWO_ROUNDS, SEALED]) == 0
    assert check_status([FAST_OPEN, BOTH_RANDOM]) == 10
    assert check_status([wrong]) == check_status([BOTH_RANDOM, wrong]) == check_status([wrong, BOTH_RANDOM]) == 11


def test_filters_select(run: Run) -> None:
    _, out, _ = run("report", "--json", "--filter", "verdict != punched", PUNCHED)
    assert json.loads(out)["flows"] == []
    _, out, _ = run("report", "--filter", "verdict != punched", PUNCHED)
    assert "None of 1 attempts passes the filter." in out


def test_a_bad_filter_is_status_4_and_says_where(run: Run) -> None:
    status, out, err = run("report", "--filter", "verdikt == punched", PUNCHED)
    assert (status, out) == (4, "")
    assert err == "peephole: the filter is wrong at column 1: no field is named 'verdikt'; did you mean verdict?\n"


def test_a_capture_can_come_over_standard_input(run: Run) -> None:
    completed = subprocess.run(
        [sys.executable, "-m", "app", "report", "--json", "-"],
        input=Path(PUNCHED).read_bytes(),
        capture_output=True,
        check=True,
    )
    piped = json.loads(completed.stdout)
    assert piped["files"][0]["path"] == "-"
    _, out, _ = run("report", "--json", PUNCHED)
    assert [flow["id"] for flow in piped["flows"]] == [flow["id"] for flow in json.loads(out)["flows"]]


def test_several_vantages_are_one_story(run: Run) -> None:
    folder = LAB / "consistent-consistent"
    _, out, _ = run("report", "--json", *(str(folder / f"{name}.pcap.gz") for name in ("client", "wan", "server")))
    report = json.loads(out)
    assert len(report["files"]) == 3
    assert len(report["flows"]) == 1


class TestBadInput:
    """Each a sentence on standard error and the right status."""

    def test_missing_file(self, run: Run, tmp_path: Path) -> None:
        assert run("report", str(tmp_path / "no")) == (3, "", f"peephole: {tmp_path}/no: no such file\n")

    def test_directory(self, run: Run, tmp_path: Path) -> None:
        assert run("report", str(tmp_path)) == (3, "", f"peephole: {tmp_path}: is a directory, not a capture\n")

    def test_a_name_that_no_file_can_have(self, run: Run) -> None:
        status, _, err = run("report", "a\0b")
        assert status == 3
        assert err == "peephole: a\\0b: can't be opened: embedded null byte\n"

    @pytest.mark.parametrize(
        ("content", "says"),
        [(b"", "empty"), (b"just some text, no capture\n" * 9, "not a capture"), (b"\xd4\xc3\xb2\xa1\2\0", "byte")],
        ids=["empty", "text", "cut header"],
    )
    def test_no_capture(self, run: Run, tmp_path: Path, content: bytes, says: str) -> None:
        path = tmp_path / "file"
        path.write_bytes(content)
        status, out, err = run("report", str(path))
        assert (status, out) == (3, "")
        assert err.startswith(f"peephole: {path}: ")
        assert says in err
        assert err.count("\n") == 1

    def test_truncated_file_is_reported_as_far_as_it_goes(self, run: Run, tmp_path: Path) -> None:
        whole = gzip.decompress(Path(RANDOM).read_bytes())
        path = tmp_path / "cut.pcap"
        path.write_bytes(whole[:-5])
        status, out, err = run("report", "--json", str(path))
        assert status == 0
        report = json.loads(out)
        (file,) = report["files"]
        assert file["packets"] > 50
        assert file["truncated"]
        assert [flow["verdict"]["code"] for flow in report["flows"]] == ["both-nats-random"]
        assert err.startswith(f"peephole: {path}: ")
        assert "byte" in err
        assert "what came before is used" in err

    def test_no_dht_traffic(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "dns.pcap"
        path.write_bytes(pcap(udp_frame(b"hello"), udp_frame(b"hello again")))
        status, out, err = run("report", str(path))
        assert (status, err) == (0, "")
        assert out.endswith("No attempts: none of the 2 packets is DHT traffic.\n")
        status, out, _ = run("report", "--json", "--check", str(path))
        assert (status, json.loads(out)["flows"]) == (0, [])

    def test_no_packets(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "none.pcap"
        path.write_bytes(pcap())
        status, out, err = run("report", str(path))
        assert (status, err) == (0, "")
        assert out.endswith("No attempts: the capture holds no packets.\n")

    def test_unknown_link_type(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "usb.pcap"
        path.write_bytes(pcap(b"\0" * 64, link=189))
        status, _, err = run("report", str(path))
        assert status == 3
        assert "189" in err
        assert err.count("\n") == 1

    def test_no_permission(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "locked.pcap"
        path.write_bytes(pcap())
        path.chmod(0)
        run("report", PUNCHED)  # imports everything while it may be read
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(NOBODY)
        try:
            result = run("report", str(path))
        finally:
            if is_root:
                os.seteuid(0)
        assert result == (3, "", f"peephole: {path}: you are not permitted to read it\n")

    def test_a_key_that_is_none(self, run: Run) -> None:
        status, _, err = run("report", "--key", "tooshort", PUNCHED)
        assert status == 2
        assert err.startswith("peephole: --key: ")
        assert "tooshort" not in err
        assert run("report", "--secret-key", "00", PUNCHED)[0] == 2

    def test_a_key_that_fits_nothing(self, run: Run) -> None:
        status, out, err = run("report", "--key", "ab" * 32, PUNCHED)
        assert status == 0
        assert "1 connected" in out
        target = hashlib.blake2b(bytes.fromhex("ab" * 32), digest_size=32).hexdigest()
        short = f"{target[:4]}…{target[-4:]}"
        assert err == f"peephole: --key abab…abab is the key of no attempt in here: none has the target {short}\n"

    def test_the_right_key_is_no_news(self, run: Run) -> None:
        _, out, _ = run("report", "--json", PUNCHED)
        key = json.loads(out)["flows"][0]["server_public_key"]
        assert run("report", "--key", key, PUNCHED)[2] == ""

    def test_a_malformed_key_log_line(self, run: Run, tmp_path: Path) -> None:
        log = tmp_path / "keys.log"
        log.write_text("# fine\nHOLEPUNCH_SECRET 0123456789abcdef nothex\n")
        status, out, err = run("report", "--keylog", str(log), PUNCHED)
        assert status == 0
        assert "1 connected" in out
        assert err.startswith(f"peephole: {log}, line 2: ")
        assert "nothex" not in err

    def test_no_key_log(self, run: Run, tmp_path: Path) -> None:
        status, _, err = run("report", "--keylog", str(tmp_path / "no.log"), PUNCHED)
        assert status == 2
        assert err == f"peephole: --keylog {tmp_path}/no.log: No such file or directory\n"

    def test_usage(self, run: Run) -> None:
        for arguments in (("report",), ("report", "--bogus", "x"), ("export", PUNCHED), ("watch",), ("--bogus",)):
            status, out, err = run(*arguments)
            assert (status, out) == (2, "")
            assert err.startswith("peephole")
            assert "--help" in err

    def test_standard_input_twice(self, run: Run) -> None:
        assert run("report", "-", "-") == (2, "", "peephole: standard input (-) can be read only once\n")

    def test_names_are_shown_escaped(self, run: Run) -> None:
        _, _, err = run("report", "\x1b[31m\u202eevil\udc80")
        assert err == "peephole: \\e[31m\\u202eevil\\udc80: no such file\n"
        _, _, err = run("report", "x", "--\x1b[2J")
        assert "\x1b" not in err

    def test_the_inspector_wants_a_terminal(self, run: Run) -> None:
        status, out, err = run(PUNCHED)
        assert (status, out) == (2, "")
        assert err == "peephole: the inspector needs a terminal; `peephole report` works without one\n"
        assert run("no such file")[0] == 3
        assert run("--filter", "nonsense", PUNCHED)[0] == 4


class TestExport:
    """`peephole export`."""

    @pytest.mark.parametrize("form", ["text", "mermaid", "svg", "json"])
    def test_every_form_of_a_real_attempt(self, run: Run, form: str) -> None:
        status, out, err = run("export", PUNCHED, "--flow", self.flow_id(run), "--format", form)
        assert (status, err) == (0, "")
        assert "PEER_HOLEPUNCH" in out or "HOLEPUNCH" in out

    def flow_id(self, run: Run) -> str:
        _, out, _ = run("report", "--json", PUNCHED)
        return str(json.loads(out)["flows"][0]["id"])

    def test_the_beginning_of_an_id_is_enough(self, run: Run) -> None:
        flow_id = self.flow_id(run)
        whole = run("export", PUNCHED, "--flow", flow_id, "--format", "json")
        assert run("export", PUNCHED, "--flow", flow_id[:3].upper(), "--format", "json") == whole

    def test_an_id_that_is_not_there(self, run: Run) -> None:
        status, out, err = run("export", PUNCHED, "--flow", "zz", "--format", "json")
        assert (status, out) == (2, "")
        assert err == f"peephole: --flow zz is no attempt in here; there are {self.flow_id(run)}\n"

    def test_rounds(self, run: Run) -> None:
        flow_id = self.flow_id(run)
        _, out, _ = run("export", PUNCHED, "--flow", flow_id, "--format", "mermaid", "--round", "1")
        assert "client relay node (dht)" in out
        status, _, err = run("export", PUNCHED, "--flow", flow_id, "--format", "mermaid", "--round", "7")
        assert (status, err) == (2, "peephole: the attempt has no round 7: its rounds are 0, 1\n")
        assert run("export", PUNCHED, "--flow", flow_id, "--format", "text", "--round", "1")[0] == 2

    def test_into_a_file(self, run: Run, tmp_path: Path) -> None:
        flow_id, out = self.flow_id(run), tmp_path / "a.svg"
        out.write_text("something longer that was there before" * 10_000)
        assert run("export", PUNCHED, "--flow", flow_id, "--format", "svg", "-o", str(out)) == (0, "", "")
        assert out.read_text().endswith("</svg>\n")
        status, _, err = run("export", PUNCHED, "--flow", flow_id, "--format", "svg", "-o", str(tmp_path / "no" / "x"))
        assert status == 2
        assert err == f"peephole: {tmp_path}/no/x can't be written: No such file or directory\n"

    def test_secrets_are_for_the_owner_alone(self, run: Run, tmp_path: Path) -> None:
        flow_id, out = self.flow_id(run), tmp_path / "a.json"
        out.touch(0o644)
        assert run("export", PUNCHED, "--flow", flow_id, "--format", "json", "--secrets", "-o", str(out))[0] == 0
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
        assert json.loads(out.read_text())["key"]["holepunch_secret"]
        assert run("export", PUNCHED, "--flow", flow_id, "--format", "svg", "--secrets")[0] == 2


class TestSignals:
    """The process as a shell sees it."""

    def test_a_reader_that_goes_away_is_no_error(self) -> None:
        script = f"{sys.executable} -m app report -v {RANDOM} {RANDOM} | head -c 1; echo ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
        assert done.stderr == ""
        assert done.stdout[1:].strip() in ("0", "141")

    def test_output_into_a_closed_pipe(self) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            [sys.executable, "-m", "app", "report", "--json", PUNCHED],
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
        )
        os.close(writer)
        assert (done.returncode, done.stderr) == (ExitStatus.BROKEN_PIPE, b"")

    def test_ctrl_c_leaves_quietly(self) -> None:
        reader, writer = os.pipe()
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "report", "-"], stdin=reader, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        os.write(writer, pcap()[:24])
        while unread(reader) and process.poll() is None:
            os.sched_yield()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        os.close(reader)
        os.close(writer)
        assert (process.returncode, out, err) == (130, b"", b"")


def unread(pipe: int) -> int:
    """Bytes in a pipe that nobody has read."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_nothing_heavy_is_imported_to_start() -> None:
    code = "import sys; from app.cli import main; main(['--help']); print(*sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = set(modules.split("\n")[-2].split())
    assert "app.cli" in loaded
    assert not loaded & {"numpy", "scapy", "textual", "rich", "nacl", "cbor2", "capture.story", "capture.table"}


def test_parsers_take_no_abbreviations() -> None:
    with pytest.raises(SystemExit):
        parser_of("report").parse_args(["x", "--sec"])
