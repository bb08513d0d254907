"""Bad input: each a clear sentence on standard error and the right exit status."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from pathlib import Path

import pytest

from tests.app.running import PUNCHED, RANDOM, Run, pcap, run, udp_frame

__all__ = ["run"]

NOBODY = 65534


def test_missing_file(run: Run, tmp_path: Path) -> None:
    assert run("report", str(tmp_path / "no")) == (3, "", f"peephole: {tmp_path}/no: no such file\n")


def test_directory(run: Run, tmp_path: Path) -> None:
    assert run("report", str(tmp_path)) == (3, "", f"peephole: {tmp_path}: is a directory, not a capture\n")


def test_a_name_that_no_file_can_have(run: Run) -> None:
    status, _, err = run("report", "a\0b")
    assert status == 3
    assert err == "peephole: a\\0b: can't be opened: embedded null byte\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "empty"), (b"just some text, no capture\n" * 9, "not a capture"), (b"\xd4\xc3\xb2\xa1\2\0", "byte")],
    ids=["empty", "text", "cut header"],
)
def test_no_capture(run: Run, tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    status, out, err = run("report", str(path))
    assert (status, out) == (3, "")
    assert err.startswith(f"peephole: {path}: ")
    assert says in err
    assert err.count("\n") == 1


def test_truncated_file_is_reported_as_far_as_it_goes(run: Run, tmp_path: Path) -> None:
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


def test_no_dht_traffic(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "dns.pcap"
    path.write_bytes(pcap(udp_frame(b"hello"), udp_frame(b"hello again")))
    status, out, err = run("report", str(path))
    assert (status, err) == (0, "")
    assert out.endswith("No attempts: none of the 2 packets is DHT traffic.\n")
    status, out, _ = run("report", "--json", "--check", str(path))
    assert (status, json.loads(out)["flows"]) == (0, [])


def test_no_packets(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "none.pcap"
    path.write_bytes(pcap())
    status, out, err = run("report", str(path))
    assert (status, err) == (0, "")
    assert out.endswith("No attempts: the capture holds no packets.\n")


def test_unknown_link_type(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "usb.pcap"
    path.write_bytes(pcap(b"\0" * 64, link=189))
    status, _, err = run("report", str(path))
    assert status == 3
    assert "189" in err
    assert err.count("\n") == 1


def test_no_permission(run: Run, tmp_path: Path) -> None:
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


def test_a_key_that_is_none(run: Run) -> None:
    status, _, err = run("report", "--key", "tooshort", PUNCHED)
    assert status == 2
    assert err.startswith("peephole: --key: ")
    assert "tooshort" not in err
    assert run("report", "--secret-key", "00", PUNCHED)[0] == 2


def test_a_key_that_fits_nothing(run: Run) -> None:
    status, out, err = run("report", "--key", "ab" * 32, PUNCHED)
    assert status == 0
    assert "1 connected" in out
    assert "no target" not in out, "once is enough"
    target = hashlib.blake2b(bytes.fromhex("ab" * 32), digest_size=32).hexdigest()
    short = f"{target[:4]}…{target[-4:]}"
    assert err == f"peephole: --key abab…abab is the key of no attempt in here: none has the target {short}\n"


def test_the_right_key_is_no_news(run: Run) -> None:
    _, out, _ = run("report", "--json", PUNCHED)
    key = json.loads(out)["flows"][0]["server_public_key"]
    assert run("report", "--key", key, PUNCHED)[2] == ""


def test_a_malformed_key_log_line(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "keys.log"
    log.write_text("# fine\nHOLEPUNCH_SECRET 0123456789abcdef nothex\n")
    status, out, err = run("report", "--keylog", str(log), PUNCHED)
    assert status == 0
    assert "1 connected" in out
    assert err.startswith(f"peephole: {log}, line 2: ")
    assert "nothex" not in err


def test_no_key_log(run: Run, tmp_path: Path) -> None:
    status, _, err = run("report", "--keylog", str(tmp_path / "no.log"), PUNCHED)
    assert status == 2
    assert err == f"peephole: --keylog {tmp_path}/no.log: No such file or directory\n"


def test_a_key_log_of_a_newer_version(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "new.log"
    log.write_text("SPHINX_KEY a b\n# ours\nSPHINX_KEY c d\nRING_KEY e\n")
    status, _, err = run("report", "--keylog", str(log), PUNCHED)
    assert status == 0
    assert err == (
        f"peephole: {log}: 3 lines with labels that this version does not know (SPHINX_KEY ×2, RING_KEY),"
        " and no other secret\n"
    )
    log.write_text(f"RING_KEY e\nHOLEPUNCH_SECRET {'00' * 8} {'11' * 32}\n")
    _, _, err = run("report", "--keylog", str(log), PUNCHED)
    assert err == f"peephole: {log}: 1 line with labels that this version does not know (RING_KEY) left alone\n"


def test_usage(run: Run) -> None:
    for arguments in (("report",), ("report", "--bogus", "x"), ("export", PUNCHED), ("watch",), ("--bogus",)):
        status, out, err = run(*arguments)
        assert (status, out) == (2, "")
        assert err.startswith("peephole")
        assert "--help" in err


def test_standard_input_twice(run: Run) -> None:
    assert run("report", "-", "-") == (2, "", "peephole: standard input (-) can be read only once\n")


def test_names_are_shown_escaped(run: Run) -> None:
    _, _, err = run("report", "\x1b[31m\u202eevil\udc80")
    assert err == "peephole: \\e[31m\\u202eevil\\udc80: no such file\n"
    _, _, err = run("report", "x", "--\x1b[2J")
    assert "\x1b" not in err


def test_the_inspector_wants_a_terminal(run: Run) -> None:
    status, out, err = run(PUNCHED)
    assert (status, out) == (2, "")
    assert err == "peephole: the inspector needs a terminal; `peephole report` works without one\n"
    assert run("no such file")[0] == 3
    assert run("--filter", "nonsense ==", PUNCHED)[0] == 4
