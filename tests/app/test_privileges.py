"""Who may not capture is told what works on this machine, and what the user names opens the interface."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.options import parser_of
from capture.privileged import permission
from capture.privileged.capturers import capturer_command
from capture.privileged.permission import CAP_NET_RAW, OPENERS, has_capability, offers, own_capturer
from tests.app.running import Run, run
from tests.app.test_growing_input import Put, put

__all__ = ["put", "run"]

Which = Callable[[str], str | None]


def having(*names: str) -> Which:
    return lambda name: f"/opt/bin/{name}" if name in names else None


def capability(permitted: int, *, effective: bool = True) -> bytes:
    return struct.pack("<5I", 0x02000000 | effective, permitted, 0, 0, 0)


@pytest.fixture
def attribute(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """What every file has as its capabilities."""

    def put_there(value: bytes) -> None:
        monkeypatch.setattr(permission.os, "getxattr", lambda *_: value, raising=False)

    return put_there


def test_offers_are_those_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permission, "may_gain", lambda: True)
    found = offers("-i eth0", having("sudo", "doas", "dumpcap"))
    assert [one.option for one in found if one.option] == ["--sudo", "--open-with doas"]
    said = [one.says for one in found]
    assert "once, as root: setcap cap_net_raw+ep /opt/bin/dumpcap; then it is used by itself" in said
    assert any(one.startswith("tcpdump -i eth0 -U -w - udp | peephole -") for one in said)
    assert any("peephole node" in one for one in said)
    assert not any(one.option or "setcap" in one.says for one in offers("-i eth0", having()))


def test_where_nothing_can_gain_a_privilege_none_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permission, "may_gain", lambda: False)
    found = offers("-i eth0", having("sudo", "dumpcap"))
    assert not any(one.option for one in found)
    assert "no_new_privs" in found[0].says
    assert own_capturer(having("dumpcap")) is None


@pytest.mark.parametrize(
    ("value", "may"),
    [
        (capability(1 << CAP_NET_RAW), True),
        (capability(1 << CAP_NET_RAW | 1 << 12), True),
        (capability(1 << 12), False),
        (capability(1 << CAP_NET_RAW, effective=False), False),
        (b"", False),
        (b"\x01\0\0", False),
    ],
)
def test_capabilities_of_a_file(attribute: Callable[[bytes], None], value: bytes, may: bool) -> None:
    attribute(value)
    assert has_capability(sys.executable) is may
    assert not has_capability("/no/such/file")


def test_dumpcap_is_taken_before_tcpdump(attribute: Callable[[bytes], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permission, "may_gain", lambda: True)
    attribute(capability(1 << CAP_NET_RAW))
    here: Which = lambda name: sys.executable if name in ("dumpcap", "tcpdump") else None  # noqa: E731
    assert own_capturer(here) == sys.executable
    attribute(b"")
    assert own_capturer(here) is None


def test_what_they_are_told() -> None:
    assert capturer_command("/x/dumpcap", ["a", "b"], "udp") == [
        *("/x/dumpcap", "-q", "-p", "-f", "udp", "-i", "a", "-i", "b", "-w", "-")
    ]
    assert capturer_command("/x/tcpdump", ["a"], "", promiscuous=True) == [
        *("/x/tcpdump", "-i", "a", "-U", "-s", "0", "-w", "-")
    ]


def test_every_opener_is_an_option() -> None:
    for name in OPENERS:
        assert parser_of("watch").parse_args(["-i", "lo", "--open-with", name]).sudo == name
    assert parser_of("watch").parse_args(["-i", "lo", "--sudo"]).sudo == "sudo"
    assert not parser_of("watch").parse_args(["-i", "lo"]).sudo


def test_pkexec_opens_the_interface(put: Put, run: Run, tmp_path: Path) -> None:
    put("pkexec", f'printf "%s\\n" "$@" >{tmp_path}/told; echo "Error executing command as another user" >&2; exit 127')
    status, out, err = run("watch", "--report", "--open-with", "pkexec", "-i", "lo", "udp")
    assert (status, out) == (3, "")
    assert err.splitlines()[-1] == "peephole: lo: Error executing command as another user"
    told = (tmp_path / "told").read_text().splitlines()
    assert told[:2] == [sys.executable, "-I"]
    assert told[3:5] == ["lo", "1"]


def test_an_opener_that_is_not_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    status, _, err = run("watch", "--report", "--open-with", "doas", "-i", "lo")
    assert (status, err) == (2, "peephole: doas can't be run: there is none, or not for you\n")
