"""Real hyperdht nodes in a process of their own, and networks of our nodes on loopback, for tests."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from protocol.dht.bootstrap import BootstrapNode
from protocol.dht.contact import NodeSocket
from protocol.dht.node import Node
from protocol.dht.options import NodeOptions
from protocol.udp_shell import UdpShell

LOOPBACK = "127.0.0.1"
PATIENCE = 60.0
"""Seconds after which an operation on loopback counts as failed."""

SCRIPTS = Path(__file__).parent.parent / "node"


class Driver:
    """One process of real nodes; every operation is named as in dht_driver.cjs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._count = 0
        self._reader = asyncio.create_task(self._read())

    async def __call__(self, op: str, **given: Any) -> Any:
        assert self._process.stdin is not None
        self._count += 1
        future = self._waiting[self._count] = asyncio.get_running_loop().create_future()
        line = json.dumps({"id": self._count, "op": op, **given})
        self._process.stdin.write(line.encode() + b"\n")
        async with asyncio.timeout(PATIENCE):
            return await future

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            answer = json.loads(line)
            future = self._waiting.pop(answer["id"])
            if "error" in answer:
                future.set_exception(RealNodeError(answer["error"]))
            else:
                future.set_result(answer["result"])
        for future in self._waiting.values():
            future.set_exception(RealNodeError("the process of the real nodes has ended"))

    async def close(self) -> None:
        """Let the process end, and expect that it ends well."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        async with asyncio.timeout(PATIENCE):
            assert await self._process.wait() == 0
            await self._reader


class RealNodeError(Exception):
    """An operation of a real node failed."""


def packages() -> Path:
    """Where the npm packages are."""
    found = Path(os.environ.get("PEEPHOLE_NODE_PACKAGES", SCRIPTS)) / "node_modules"
    if not (found / "hyperdht").is_dir():
        pytest.fail(f"no npm packages in {found}: run make node-packages")
    return found


@asynccontextmanager
async def real_nodes(script: str = "dht_driver.cjs") -> AsyncIterator[Driver]:
    """A process that can run real nodes, told what to do by this script in tests/node."""
    process = await asyncio.create_subprocess_exec(
        "node",
        script,
        cwd=SCRIPTS,
        env=os.environ | {"NODE_PATH": str(packages())},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    driver = Driver(process)
    try:
        yield driver
        await driver.close()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def server_port(shell: UdpShell[Node]) -> int:
    """The port by which others know one of our nodes."""
    return shell.address(NodeSocket.SERVER).port


async def our_node(
    *bootstrap: int, ephemeral: bool | None = False, firewalled: bool = False, port_wanted: int = 0
) -> UdpShell[Node]:
    """One of our nodes on loopback, bootstrapped; persistent unless said otherwise."""
    options = NodeOptions(
        bootstrap=tuple(BootstrapNode(LOOPBACK, port) for port in bootstrap),
        ephemeral=ephemeral,
        firewalled=firewalled,
    )
    shell = await UdpShell.open(options, host=LOOPBACK, port=port_wanted)
    async with asyncio.timeout(PATIENCE):
        await shell.bootstrapped()
    return shell


@asynccontextmanager
async def our_network(size: int) -> AsyncIterator[list[UdpShell[Node]]]:
    """A DHT of our nodes only; the first is where others bootstrap."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(await our_node())
        network = [first]
        for _ in range(size - 1):
            network.append(await stack.enter_async_context(await our_node(server_port(first))))
        yield network
