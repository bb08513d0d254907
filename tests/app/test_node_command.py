"""`peephole node`: refusals, keys in files, and running headless on a small DHT."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from capture.story import Story
from protocol.constants import InternalCommand
from protocol.keys import parse_secret_key
from tests.app.running import Run, run
from tests.app.small_dht import LOOPBACK, dht_in_a_thread, free_port

__all__ = ["run"]

ONE = ("--bootstrap", f"{LOOPBACK}:9")


def test_nothing_is_joined_that_is_not_named(run: Run) -> None:
    for arguments in ((), ("--headless",), ("--announce", "--headless")):
        status, out, err = run("node", *arguments)
        assert (status, out) == (2, "")
        assert "--bootstrap HOST:PORT" in err
        assert "--public" in err


@pytest.mark.parametrize("address", ["nonsense", "host:0", "host:70000", "x@host:1", "\x1b[2J:1x"])
def test_a_bootstrap_node_that_is_no_address(run: Run, address: str) -> None:
    status, out, err = run("node", "--headless", f"--bootstrap={address}")
    assert (status, out) == (2, "")
    assert "--bootstrap" in err
    assert "\x1b" not in err


def test_what_goes_with_what(run: Run) -> None:
    assert run("node", *ONE, "--json")[0] == 2
    assert run("node", *ONE, "--duration", "1")[0] == 2
    assert run("node", *ONE, "--headless", "--port", "65536")[0] == 2
    assert run("node", *ONE, "--headless", "--filter", "verdict ==")[0] == 4
    status, _, err = run("node", *ONE)
    assert status == 2
    assert "needs a terminal" in err


def test_an_address_that_is_not_ours(run: Run) -> None:
    status, _, err = run("node", *ONE, "--headless", "--host", "192.0.2.1")
    assert status == 2
    assert "no socket can be bound to 192.0.2.1" in err


def test_a_key_file_is_made_for_its_owner_alone_and_read_again(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "node.key"
    arguments = ("node", *ONE, "--headless", "--duration", "0.1", "--key-file", str(path))
    assert run(*arguments)[0] == 0
    text = path.read_text()
    assert parse_secret_key(text).seed.hex() == text.strip()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert run(*arguments)[0] == 0
    assert path.read_text() == text


def test_a_file_without_a_key(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "node.key"
    for wrong in (b"", b"abc", b"\xff\xfe", b"g" * 64):
        path.write_bytes(wrong)
        status, out, err = run("node", *ONE, "--headless", "--key-file", str(path))
        assert (status, out) == (2, "")
        assert f"--key-file {path}: " in err
        assert path.read_bytes() == wrong
    status, _, err = run("node", *ONE, "--headless", "--key-file", str(tmp_path / "no" / "where"))
    assert status == 2
    assert "No such file" in err


def test_it_joins_and_saves_what_it_sent_and_received(run: Run, tmp_path: Path) -> None:
    saved = tmp_path / "node.pcapng"
    arguments = ("--headless", "--duration", "1.5", "--announce", "--write", str(saved), "--host", LOOPBACK)
    with dht_in_a_thread() as address:
        status, out, err = run("node", "--bootstrap", address, *arguments)
    assert (status, out) == (0, "")
    assert "bootstrapped with 5 nodes" in err
    assert "others see us at 127.0.0.1:" in err
    assert "unannouncing" in err
    table = Story.open([str(saved)]).table
    asked = set(table.command[table.internal].tolist())
    assert {InternalCommand.PING_NAT, InternalCommand.FIND_NODE} <= asked
    assert [interface.name for interface in table.files[0].interfaces] == ["node"]


def test_a_dead_network_is_told(run: Run) -> None:
    address = f"{LOOPBACK}:{free_port()}"
    status, _, err = run("node", "--headless", "--bootstrap", address, "--duration", "8", "--host", LOOPBACK)
    assert status == 0
    assert f"Nobody answered: 1 bootstrap node asked ({address})" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(number: int) -> None:
    with dht_in_a_thread() as address:
        command = [sys.executable, "-m", "app", "node", "--bootstrap", address, "--host", LOOPBACK]
        process = subprocess.Popen(
            [*command, "--headless", "--announce"], stderr=subprocess.PIPE, text=True, env=os.environ
        )
        assert process.stderr is not None
        for line in process.stderr:
            if "bootstrapped" in line:
                break
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in err
