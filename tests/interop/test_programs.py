"""Programs of other people, with hyperdht and hyperswarm, on a DHT made only of our nodes (tests/node/programs.cjs)."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from tests.interop.dht_driver import LOOPBACK, PATIENCE, SCRIPTS, our_network, our_node, packages, server_port

pytestmark = [pytest.mark.node, pytest.mark.timed]

SIZE = 12


class Program:
    """One program that runs; each line that it prints is JSON."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def says(self) -> Any:
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            line = await self._process.stdout.readline()
        assert line, "the program ended without a word"
        return json.loads(line)

    def go_on(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")

    async def ended(self) -> None:
        async with asyncio.timeout(PATIENCE):
            assert await self._process.wait() == 0


@asynccontextmanager
async def running(name: str, port: int) -> AsyncIterator[Program]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        "node", "programs.cjs", name, str(port), cwd=SCRIPTS, env=os.environ | {"NODE_PATH": str(packages())},
        stdin=pipe, stdout=pipe,
    )  # fmt: skip
    try:
        program = Program(process)
        yield program
        await program.ended()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


SECOND = [2, "second"]

STORIES: dict[str, Any] = {
    "fiftyAnnouncers": {"announced": 50, "found": 50, "strangers": 0},
    "relayAddresses": {
        "relays": [{"host": LOOPBACK, "port": 4001}, {"host": "127.0.0.2", "port": 4002}],
        "left": 0,
    },
    "mutableValues": {
        "none": None,
        "first": [None, [1, "first"]],
        "second": [None, SECOND],
        "conflict": [None, SECOND],
        "old": [None, SECOND],
        "newer": None,
        "forged": SECOND,
    },
    "largeValues": {"1": True, "500": True, "1000": True, "mutable": True},
    "sameKeyAgain": ["time 0", "time 1", "time 2", "PEER_NOT_FOUND"],
    "suspendedWhileOthersConnect": {"before": "hello", "meanwhile": 5, "asleep": "PEER_NOT_FOUND", "after": "hello"},
    "swarms": ["0 hears 1", "0 hears 2", "1 hears 0", "2 hears 0"],
    "manySwarms": 8 * 7,
}
"""What each program sees; on a testnet of real nodes it is the same."""


@pytest.mark.parametrize("name", STORIES)
async def test_a_program(name: str) -> None:
    async with our_network(SIZE) as network, running(name, server_port(network[0])) as program:
        assert await program.says() == STORIES[name]


async def test_a_third_of_the_nodes_dies_and_others_come() -> None:
    """Without a word to anybody: what a program has stored and announced before is there afterwards."""
    async with our_network(SIZE) as network, AsyncExitStack() as stack:
        port = server_port(network[0])
        async with running("lifeGoesOn", port) as program:
            assert await program.says() == "ready"
            for shell in network[1 : 1 + SIZE // 3]:
                await shell.close()
            for _ in range(SIZE // 3):
                await stack.enter_async_context(await our_node(port))
            program.go_on()
            assert await program.says() == {"before": "hello", "after": ["hello", "hello"], "kept": "kept"}
