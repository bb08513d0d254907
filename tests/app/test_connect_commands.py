"""`peephole listen` and `connect`, headless, on a small DHT; what they saved says what they said."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from capture.story import Keys, Story
from protocol.keys import key_pair
from tests.app.running import Run, run
from tests.app.small_dht import LOOPBACK, dht_in_a_thread

__all__ = ["run"]

SEED = bytes(range(32))
KEY = key_pair(SEED).public_key.hex()
NOBODY = key_pair(bytes(32)).public_key.hex()


@contextmanager
def listening(
    address: str, *arguments: str, command: str = "listen", seed: bytes = SEED
) -> Iterator[subprocess.Popen[str]]:
    """`peephole listen`, or `proxy`, once it is announced."""
    words = [sys.executable, "-m", "app", command, "--bootstrap", address, "--host", LOOPBACK, "--headless"]
    process = subprocess.Popen(
        [*words, "--seed", seed.hex(), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "listening on" in line:
            break
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_a_line_there_and_back(run: Run, tmp_path: Path) -> None:
    saved, keylog = tmp_path / "client.pcapng", tmp_path / "keys.log"
    arguments = ("--send", "hello\x1b there", "--write", str(saved), "--keylog", str(keylog), "--host", LOOPBACK)
    with dht_in_a_thread() as address, listening(address, "--echo") as server:
        status, out, err = run("connect", KEY, "--bootstrap", address, "--headless", "--json", *arguments)
        assert server.stdout is not None
        assert server.stdout.readline().strip() == KEY
    assert status == 0
    said, *attempts = out.splitlines()
    assert said == "hello\\e there"
    (attempt,) = map(json.loads, attempts)
    assert attempt["verdict"]["code"] == "open-server"
    assert f"connection to {KEY[:8]}: a direct path" in err
    assert f"connection to {KEY[:8]}: both sides ended" in err
    assert stat.S_IMODE(keylog.stat().st_mode) == 0o600
    (flow,) = Story.open([str(saved)], Keys(keylogs=(str(keylog),))).flows
    assert flow.verdict.code == "open-server"
    assert flow.id == attempt["id"]
    assert flow.key.handshake_hash is not None, "the key log opens what was saved"
    assert flow.key.noise2 is not None


def test_a_server_that_is_not_there_is_a_failed_attempt(run: Run) -> None:
    with dht_in_a_thread() as address:
        status, out, err = run("connect", NOBODY, "--bootstrap", address, "--headless", "--host", LOOPBACK)
    assert status == 10
    assert "peer-not-found" in out
    assert "PEER_NOT_FOUND: no node holds a record of the peer" in err


def test_what_is_no_key_or_address(run: Run) -> None:
    ways = ("--bootstrap", f"{LOOPBACK}:9", "--headless")
    for arguments in (
        ("connect", "nonsense"),
        ("connect", KEY, "--relay", "name.example:1"),
        ("connect", KEY, "--relay", "1.2.3.4"),
        ("connect", KEY, "--relay-through", "x"),
        ("listen", "--seed", "x"),
        ("listen", "--seed", SEED.hex(), "--key-file", "k"),
        ("listen", "--keylog", "/no/such/folder/keys"),
    ):
        status, _, err = run(*arguments, *ways)
        assert status == 2, arguments
        assert err.startswith("peephole"), arguments
        assert SEED.hex() not in err
    for command in (("connect", KEY), ("listen",)):
        assert run(*command, "--headless")[0] == 2


def test_a_proxy_that_is_not_needed_is_not_used(run: Run) -> None:
    """On loopback every port is open; tests/natlab/test_proxied.py has NATs that need one."""
    seed = b"p" * 32
    proxy = key_pair(seed).public_key.hex()
    with dht_in_a_thread() as address, listening(address, command="proxy", seed=seed) as proxying:
        assert proxying.stdout is not None
        assert proxying.stdout.readline().strip() == proxy
        with listening(address, "--echo", "--proxy", proxy):
            ways = ("--bootstrap", address, "--headless", "--host", LOOPBACK, "--proxy", proxy)
            status, out, err = run("connect", KEY, "--send", "hello", *ways)
    assert status == 0
    assert out.splitlines()[0] == "hello"
    assert "a direct path" in err


def test_what_is_said_of_proxies_has_to_make_sense(run: Run) -> None:
    ways = ("--bootstrap", f"{LOOPBACK}:9", "--headless")
    for arguments, complaint in (
        (("connect", KEY, "--proxy", "x"), "--proxy: "),
        (("listen", "--proxy-after-probe"), "--proxy-after-probe goes with --proxy"),
        (("proxy", "--admit", "zz"), "--admit: "),
        (("proxy", "--max-bytes", "0"), "a number of bytes from 1"),
    ):
        status, _, err = run(*arguments, *ways)
        assert status == 2
        assert complaint in err
