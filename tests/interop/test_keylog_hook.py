"""The preload in front of real hyperdht applications: what it writes opens what the relays saw."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import stat
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from capture.keylog import KeyLog, Label
from capture.keylog_files import HOOK, HOOK_VARIABLE, KeyLogTail, read_keylog
from protocol.constants import Command, Mode
from protocol.messages import HolepunchPayload
from protocol.noise import attempt_id, handshake_hash, holepunch_secret
from protocol.noise_secrets import NoiseSecrets, open_noise
from protocol.peer_values import decode_handshake, decode_holepunch
from protocol.sealed_values import decode_holepunch_payload, decode_noise_payload
from protocol.secretbox import open_payload

pytestmark = pytest.mark.node

SCRIPTS = Path(__file__).parent.parent / "node"
PACKAGES = Path(os.environ.get("PEEPHOLE_NODE_PACKAGES", SCRIPTS)) / "node_modules"
PATIENCE = 60.0
"""Seconds after which a connection on loopback counts as failed."""


class Attempt(NamedTuple):
    """What an observer at the relays and the two applications know of one connection."""

    log: KeyLog
    tailed: KeyLog
    server_public_key: bytes
    client_public_key: bytes
    noise1: bytes
    noise2: bytes
    sealed: list[tuple[int, bytes]]
    """Mode and sealed payload of each PEER_HOLEPUNCH request."""


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the scripts, the npm packages, and a dependency that brings its own copy of hyperdht."""
    if not (PACKAGES / "hyperdht").is_dir():
        pytest.fail(f"no npm packages in {PACKAGES}: run make node-packages")
    folder = tmp_path_factory.mktemp("application")
    for script in SCRIPTS.glob("keylog_*"):
        shutil.copy(script, folder)
    modules = folder / "node_modules"
    modules.mkdir()
    for package in PACKAGES.iterdir():
        (modules / package.name).symlink_to(package)
    friend = modules / "friend"
    shutil.copytree(PACKAGES / "hyperdht", friend / "node_modules" / "hyperdht")
    (friend / "index.js").write_text("module.exports = require('hyperdht')\n")
    return folder


@asynccontextmanager
async def _running(folder: Path, script: str, *arguments: str, keylog: Path | None = None) -> AsyncIterator[Any]:
    """A node process; it gets the end of its standard input on exit and must then end well."""
    environment = os.environ | ({} if keylog is None else {HOOK_VARIABLE: str(keylog)})
    preload = [] if keylog is None else ["--require", str(HOOK)]
    process = await asyncio.create_subprocess_exec(
        "node",
        *preload,
        script,
        *arguments,
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    try:
        yield process
        process.stdin.close()
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _event(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    event: dict[str, Any] = json.loads(await process.stdout.readline())
    return event


async def _connect(folder: Path, keylog: Path) -> Attempt:
    tail = KeyLogTail(keylog)
    async with asyncio.timeout(PATIENCE), _running(folder, "keylog_relays.cjs") as relays:
        port = str((await _event(relays))["port"])
        async with _running(folder, "keylog_server.cjs", port, keylog=keylog) as server:
            server_key = (await _event(server))["publicKey"]
            tail.poll()
            async with _running(folder, "keylog_client.mjs", port, server_key, keylog=keylog) as client:
                heard = await _event(client)
                tail.poll()
        relays.stdin.close()
        lines = (await relays.stdout.read()).splitlines()
    tail.poll()
    tail.close()
    assert heard["heard"] == "hello"
    requests = [(event["command"], bytes.fromhex(event["value"])) for event in map(json.loads, lines)]
    handshakes = [decode_handshake(value) for command, value in requests if command == Command.PEER_HANDSHAKE]
    holepunches = [decode_holepunch(value) for command, value in requests if command == Command.PEER_HOLEPUNCH]
    return Attempt(
        log=read_keylog(keylog),
        tailed=tail.log,
        server_public_key=bytes.fromhex(server_key),
        client_public_key=bytes.fromhex(heard["publicKey"]),
        noise1=_only(handshake.noise for handshake in handshakes if handshake.mode == Mode.FROM_CLIENT),
        noise2=_only(handshake.noise for handshake in handshakes if handshake.mode == Mode.FROM_SERVER),
        sealed=[(holepunch.mode, holepunch.payload) for holepunch in holepunches],
    )


def _only(values: Any) -> Any:
    (value,) = set(values)
    return value


@pytest.fixture(scope="module")
def keylog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keylog") / "keys.log"


@pytest.fixture(scope="module")
def attempt(application: Path, keylog: Path) -> Attempt:
    """One connection from an ES module application to a CommonJS one, both with the preload and one key log."""
    return asyncio.run(_connect(application, keylog))


class TestConnection:
    def test_the_file_is_for_its_owner_and_well_formed(self, attempt: Attempt, keylog: Path) -> None:
        assert stat.S_IMODE(keylog.stat().st_mode) == 0o600
        assert (attempt.log.malformed, attempt.log.unknown) == (0, 0)
        assert keylog.read_bytes().endswith(b"\n")

    def test_every_label_is_there_once_although_both_sides_write(self, attempt: Attempt) -> None:
        labels = sorted(secret.label for secret in attempt.log.secrets())
        assert labels == sorted(Label)
        assert {secret.attempt for secret in attempt.log.secrets()} == {attempt_id(attempt.noise1)}
        assert attempt.log.lines > len(labels)

    def test_a_tail_saw_the_same(self, attempt: Attempt) -> None:
        assert attempt.tailed.secrets() == attempt.log.secrets()

    def test_the_log_alone_opens_both_noise_messages(self, attempt: Attempt) -> None:
        attempt_name = attempt_id(attempt.noise1)
        server_key = _only(attempt.log.values(attempt_name, Label.SERVER_PUBLIC_KEY))
        assert server_key == attempt.server_public_key
        opened = open_noise(attempt.log.noise_secrets(attempt_name), server_key, attempt.noise1, attempt.noise2)
        assert opened.client_public_key == attempt.client_public_key
        assert isinstance(opened.payload_1, bytes)
        assert isinstance(opened.payload_2, bytes)
        assert decode_noise_payload(opened.payload_1).udx is not None
        assert decode_noise_payload(opened.payload_2).holepunch is not None

    def test_ephemeral_keys_are_those_of_the_wire(self, attempt: Attempt) -> None:
        attempt_name = attempt_id(attempt.noise1)
        client_ephemeral = attempt.log.values(attempt_name, Label.CLIENT_EPHEMERAL_KEY)
        server_ephemeral = attempt.log.values(attempt_name, Label.SERVER_EPHEMERAL_KEY)
        opened = open_noise(
            NoiseSecrets(client_ephemeral=client_ephemeral), attempt.server_public_key, attempt.noise1, attempt.noise2
        )
        assert opened.client_public_key == attempt.client_public_key
        from protocol.keys import key_pair

        assert key_pair(_only(server_ephemeral)).public_key == attempt.noise2[:32]

    def test_the_holepunch_secret_is_that_of_the_transcript(self, attempt: Attempt) -> None:
        h = handshake_hash(attempt.server_public_key, attempt.noise1, attempt.noise2)
        logged = attempt.log.values(attempt_id(attempt.noise1), Label.HOLEPUNCH_SECRET)
        assert logged == (holepunch_secret(h),)

    def test_token_secrets_make_the_tokens_of_the_payloads(self, attempt: Attempt) -> None:
        attempt_name = attempt_id(attempt.noise1)
        (secret,) = attempt.log.values(attempt_name, Label.HOLEPUNCH_SECRET)
        issuers = {Mode.FROM_CLIENT: Label.CLIENT_TOKEN_SECRET, Mode.FROM_SERVER: Label.SERVER_TOKEN_SECRET}
        checked = set()
        for mode, sealed in attempt.sealed:
            payload = _opened(secret, sealed)
            if mode in issuers and payload.token is not None:
                (key,) = attempt.log.values(attempt_name, issuers[Mode(mode)])
                assert payload.token == blake2b(b"127.0.0.1", digest_size=32, key=key).digest()
                checked.add(mode)
        assert checked == set(issuers)


def _opened(secret: bytes, sealed: bytes) -> HolepunchPayload:
    plaintext = open_payload(secret, sealed)
    assert plaintext is not None
    return decode_holepunch_payload(plaintext)


class TestStayingOutOfTheWay:
    """Whatever is wrong with the key log, the application runs, and stderr has at most one line about it."""

    APPLICATION = "require('hyperdht/lib/noise-wrap.js'); console.log('done')"

    def run(self, folder: Path, keylog: str | None, *preloads: Path, code: str = APPLICATION) -> tuple[str, str]:
        environment = {name: value for name, value in os.environ.items() if name != HOOK_VARIABLE}
        if keylog is not None:
            environment[HOOK_VARIABLE] = keylog
        requires = [argument for preload in (*preloads, HOOK) for argument in ("--require", str(preload))]
        done = subprocess.run(
            ["node", *requires, "-e", code],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        return done.stdout, done.stderr

    def test_a_hyperdht_that_was_loaded_before_is_named(self, application: Path, tmp_path: Path) -> None:
        eager = application / "eager.cjs"
        eager.write_text("require('hyperdht/lib/noise-wrap.js')\n")
        out, said = self.run(application, str(tmp_path / "keys.log"), eager)
        eager.unlink()
        assert out == "done\n"
        assert "noise-wrap.js was loaded before this hook" in said
        assert said.count("\n") == 1

    @pytest.mark.parametrize("value", [None, ""])
    def test_without_the_variable_nothing_happens(self, application: Path, value: str | None) -> None:
        before = sorted(application.iterdir())
        assert self.run(application, value) == ("done\n", "")
        assert sorted(application.iterdir()) == before

    def test_folder_that_is_not_there(self, application: Path, tmp_path: Path) -> None:
        out, said = self.run(application, str(tmp_path / "no" / "keys.log"))
        assert out == "done\n"
        assert said.startswith("peephole key log: ENOENT")
        assert said.count("\n") == 1

    def test_folder_in_place_of_a_file(self, application: Path, tmp_path: Path) -> None:
        out, said = self.run(application, str(tmp_path))
        assert (out, said.count("\n")) == ("done\n", 1)

    def test_a_pipe_is_refused_and_does_not_hang(self, application: Path, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
        try:
            out, said = self.run(application, str(tmp_path / "pipe"))
        finally:
            os.close(reader)
        assert out == "done\n"
        assert said == f"peephole key log: {tmp_path}/pipe is not a regular file\n"
        out, said = self.run(application, str(tmp_path / "pipe"))
        assert (out, said.count("\n")) == ("done\n", 1)

    def test_another_users_file_is_left_alone(self, application: Path, tmp_path: Path) -> None:
        somebody = tmp_path / "somebody.cjs"
        somebody.write_text("process.geteuid = () => 4242\n")
        keylog = tmp_path / "keys.log"
        keylog.write_text("# mine\n")
        keylog.chmod(0o644)
        out, said = self.run(application, str(keylog), somebody)
        assert out == "done\n"
        assert said == f"peephole key log: {keylog} belongs to another user\n"
        assert stat.S_IMODE(keylog.stat().st_mode) == 0o644

    def test_a_mode_too_wide_is_narrowed_and_lines_are_kept(self, application: Path, tmp_path: Path) -> None:
        keylog = tmp_path / "keys.log"
        keylog.write_text("# before\n")
        keylog.chmod(0o664)
        assert self.run(application, str(keylog)) == ("done\n", "")
        assert stat.S_IMODE(keylog.stat().st_mode) == 0o600
        assert keylog.read_text() == "# before\n"

    def test_a_relative_name_is_that_of_the_start(self, application: Path, tmp_path: Path) -> None:
        code = f"process.chdir({json.dumps(str(tmp_path))}); console.log('done')"
        assert self.run(application, "relative.log", code=code) == ("done\n", "")
        assert (application / "relative.log").exists()
        (application / "relative.log").unlink()

    def test_classes_that_only_look_alike_keep_working(self, application: Path, tmp_path: Path) -> None:
        (tmp_path / "lib").mkdir()
        (tmp_path / "lib" / "noise-wrap.js").write_text(
            "module.exports = class NoiseWrap { constructor (n) { this.n = n } send () { return this.n } "
            "recv () {} final () {} }\n"
        )
        (tmp_path / "lib" / "secure-payload.js").write_text("module.exports = { encrypt: () => 7 }\n")
        code = f"""
            const NoiseWrap = require({json.dumps(str(tmp_path / "lib" / "noise-wrap.js"))})
            const payload = require({json.dumps(str(tmp_path / "lib" / "secure-payload.js"))})
            const one = new NoiseWrap(1)
            new NoiseWrap(2)
            console.log(one.send(), one instanceof NoiseWrap, NoiseWrap.name, payload.encrypt())
        """
        out, said = self.run(application, str(tmp_path / "keys.log"), code=code)
        assert out == "1 true NoiseWrap 7\n"
        assert said.startswith("peephole key log: ")
        assert said.count("\n") == 1
