"""Node processes of a run, and the line of JSON orders and events to each."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from capture.keylog_files import HOOK, HOOK_VARIABLE

from .namespaces import Namespaces

SCRIPTS = Path(__file__).parent / "nodes"
PACKAGES = Path(__file__).parent.parent / "node"
ROOT = Path(__file__).parent.parent.parent
KEYLOG = "keys.log"
Event = dict[str, Any]


class NodeError(Exception):
    """A node process ended, or took too long, before it said what it should."""


def packages() -> Path:
    """The folder whose node_modules holds hyperdht."""
    return Path(os.environ.get("PEEPHOLE_NODE_PACKAGES", PACKAGES))


def theirs(script: str, config: Event, *preload: Path) -> list[str]:
    """The command that runs `nodes/SCRIPT.cjs`."""
    required = [word for path in preload for word in ("--require", str(path))]
    return ["node", *required, str(SCRIPTS / f"{script}.cjs"), json.dumps(config)]


def ours(role: str, config: Event) -> list[str]:
    """The command that runs a party of ours (`party`)."""
    return [sys.executable, "-m", "tests.natlab.party", role, json.dumps(config)]


class Node:
    """One running node. Events are kept until somebody waits for them."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, complaints: Path) -> None:
        self.name = name
        self._process = process
        self._complaints = complaints
        self._events: list[Event] = []
        self._news = asyncio.Condition()
        self._ended = False
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, spaces: Namespaces, space: str, script: str, config: Event, folder: Path) -> Node:
        """Start `nodes/SCRIPT.cjs` in a namespace; truth goes to `FOLDER/SPACE.jsonl`, secrets to `FOLDER/keys.log`.

        The key log is written by the hook that users preload, beside the truth, which knows nothing of it.
        """
        command = theirs(script, config, HOOK, SCRIPTS / "truth.cjs")
        truth = {"LAB_TRUTH": str(folder / f"{space}.jsonl"), HOOK_VARIABLE: str(folder / KEYLOG)}
        return await cls.launch(spaces, space, space, command, folder, **truth)

    @classmethod
    async def launch(
        cls, spaces: Namespaces, space: str, name: str, command: list[str], folder: Path, **variables: str
    ) -> Node:
        """Start a command that takes orders and tells events, under a name, in a namespace."""
        environment = os.environ | {"LAB_NODE_PACKAGES": str(packages())} | variables
        complaints = folder / f"{name}.stderr"
        with complaints.open("wb") as stderr:
            process = await asyncio.create_subprocess_exec(
                *spaces.inside(space, command),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
                env=environment,
                cwd=ROOT,
            )
        return cls(name, process, complaints)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            async with self._news:
                self._events.append(json.loads(line))
                self._news.notify_all()
        async with self._news:
            self._ended = True
            self._news.notify_all()

    async def event(self, names: set[str], timeout: float, **fields: Any) -> Event:
        """Wait for the first event of one of these names with these fields, and take it.

        Raises:
            NodeError: The node ended, or `timeout` seconds went by.
        """

        def find() -> Event | None:
            for event in self._events:
                if event["event"] in names and all(event.get(key) == value for key, value in fields.items()):
                    return event
            return None

        try:
            async with asyncio.timeout(timeout), self._news:
                await self._news.wait_for(lambda: find() is not None or self._ended)
                found = find()
        except TimeoutError:
            raise NodeError(f"{self.name} said none of {sorted(names)} in {timeout} s") from None
        if found is None:
            raise NodeError(f"{self.name} ended before {sorted(names)}: {self._complaints.read_text()[-2000:]}")
        self._events.remove(found)
        return found

    def order(self, order: str, **fields: Any) -> None:
        """Send one order."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"order": order, **fields}).encode() + b"\n")

    async def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reader

    async def stop(self, timeout: float) -> None:
        """Ask it to leave the network, then make sure that it ended."""
        if self._process.returncode is None:
            self.order("stop")
            try:
                await asyncio.wait_for(self._process.wait(), timeout)
            except TimeoutError:
                self._process.kill()
        await self._process.wait()
        await self._reader
