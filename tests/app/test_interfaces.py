"""`peephole interfaces`: names, numbers, kinds, and whether capturing is permitted."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from capture.interfaces import interfaces, named
from capture.links import ETHERNET
from capture.privileged import permission
from tests.app.running import Run, run
from tests.needs import need

__all__ = ["run"]
ROOT = Path(__file__).parents[2]


def test_all_are_listed_with_numbers(run: Run) -> None:
    status, out, _ = run("interfaces")
    assert status == 0
    rows = [line.split() for line in out.splitlines()]
    assert [int(row[0]) for row in rows] == list(range(1, len(rows) + 1))
    assert sorted(row[1] for row in rows) == sorted(["any", *(name for _, name in socket.if_nameindex())])
    loopback = next(row for row in rows if row[1] == "lo")
    assert loopback[2:5] == ["loopback", "up", "Ethernet"]
    assert "127.0.0.1/8" in loopback


def test_numbers_stand_for_names() -> None:
    found = interfaces()
    assert [named(str(one.number)) for one in found] == [one.name for one in found]
    assert named("lo") == "lo"
    assert named("no-such") == "no-such"
    assert named("99999") == "99999"


def test_json(run: Run) -> None:
    status, out, err = run("interfaces", "--json")
    assert (status, err) == (0, "")
    told = json.loads(out)
    loopback = next(one for one in told["interfaces"] if one["name"] == "lo")
    assert loopback["kind"] == "loopback"
    assert loopback["linktype"] == ETHERNET
    assert loopback["addresses"][0] == "127.0.0.1/8"
    assert isinstance(told["permitted"], bool)


def test_who_may_not_capture_is_told_how(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permission, "may_capture", lambda: False)
    monkeypatch.setattr(permission, "own_capturer", lambda: None)
    status, out, err = run("interfaces")
    assert status == 0
    assert "lo" in out
    assert err.startswith("You are not permitted to capture on them. What works here:\n")
    monkeypatch.setattr(permission, "own_capturer", lambda: "/usr/bin/dump\x1bcap")
    assert run("interfaces")[2] == "You may capture by /usr/bin/dump\\ecap, which is used by itself.\n"


def test_counts_grow() -> None:
    before = {one.name: one.packets or 0 for one in interfaces()}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(20):
            sender.sendto(b"x", ("127.0.0.1", 9))
    after = {one.name: one.packets or 0 for one in interfaces()}
    assert after["lo"] - before["lo"] >= 20
    assert after["any"] - before["any"] >= 20


def test_kinds_in_a_network_of_its_own() -> None:
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        need("a network of its own takes unshare and ip")
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode:
        need("a network of its own takes root")
    script = (
        "ip link add d0 type veth peer name d1; ip link add b0 type bridge; ip tuntap add t0 mode tun; "
        "ip link set d0 up; ip link set d1 up; ip addr add 10.9.0.1/30 dev d0; "
        f"exec {sys.executable} -m app interfaces --json"
    )
    done = subprocess.run(["unshare", "--net", "sh", "-c", script], cwd=ROOT, capture_output=True, check=True)
    found = {one["name"]: one for one in json.loads(done.stdout)["interfaces"]}
    assert [found[name]["kind"] for name in ("d0", "d1", "b0", "t0", "lo")] == [
        *("veth", "veth", "bridge", "tun", "loopback")
    ]
    assert [found[name]["up"] for name in ("d0", "b0", "lo")] == [True, False, False]
    assert "10.9.0.1/30" in found["d0"]["addresses"]
    assert found["t0"]["linktype_name"] == "raw IP"
