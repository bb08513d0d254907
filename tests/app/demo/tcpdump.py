"""tcpdump on the loopback interface while a block runs."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from socket import AF_INET, SOCK_DGRAM, socket

FILTER = "udp and net 127.0.0.0/8 and not net 127.0.0.0/16"
"""Other programs, and other tests, are at 127.0.0.1."""
PATIENCE = 20.0


@asynccontextmanager
async def tcpdump(path: Path) -> AsyncIterator[None]:
    """Capture UDP between embedded hosts to a file; nothing may be lost."""
    process = await asyncio.create_subprocess_exec(
        *("tcpdump", "-i", "lo", "-n", "--immediate-mode", "-U", "-B", "32768", "-w", str(path), FILTER),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said = b""
    try:
        async with asyncio.timeout(PATIENCE):
            while b"listening on" not in said:
                line = await process.stderr.readline()
                assert line, said
                said += line
        yield
        await _written(path)
    finally:
        process.send_signal(signal.SIGINT)
        said += await process.stderr.read()
        await process.wait()
    assert b"\n0 packets dropped by kernel" in said, said


async def _written(path: Path) -> None:
    """Wait until everything sent so far is in the file: a last datagram shows it."""
    mark = secrets.token_bytes(32)
    with socket(AF_INET, SOCK_DGRAM) as last:
        last.bind(("127.1.0.1", 0))
        last.sendto(mark, ("127.1.0.2", 9))
    async with asyncio.timeout(PATIENCE):
        while mark not in path.read_bytes():
            await asyncio.sleep(0.02)
