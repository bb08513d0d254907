"""Many connects at once, ours and the reference's, over a DHT of our nodes: ``python -m bench.peers``.

Three processes on one machine: the nodes of the DHT, the peers that listen, the peers that connect. All connects begin
together, and each ends when a word has come back. Every kind of peer has its turn in each round, so that a busy machine
hits all alike. Memory is the growth of the peak from before the connects to after them. Punched: neither side shares a
local address. Then the throughput of one stream (`bench.stream`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

from bench import stream
from protocol.dht.bootstrap import BootstrapNode
from protocol.dht.contact import NodeSocket
from protocol.dht.options import NodeOptions
from protocol.peer.live import Conversation, Listener, LivePeer
from protocol.peer.live import ConversationOver as Over
from protocol.peer.options import ConnectOptions, ListenOptions, PeerOptions
from protocol.udp_shell import UdpShell

ROOT = Path(__file__).parent.parent
SCRIPTS = ROOT / "tests" / "node"
LOOPBACK = "127.0.0.1"
PATIENCE = 180.0
"""Seconds for all connects of one run."""


def usage() -> dict[str, float]:
    """Processor seconds and peak memory in MiB of this process."""
    return {"cpu": time.process_time(), "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


async def lines() -> asyncio.StreamReader:
    """Standard input, line by line."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def our_dht(given: dict[str, Any]) -> None:
    """Our nodes, until standard input ends."""
    async with AsyncExitStack() as stack:
        shells: list[UdpShell[Any]] = []
        for _ in range(given["nodes"]):
            known = tuple(BootstrapNode(LOOPBACK, one.address(NodeSocket.SERVER).port) for one in shells[:1])
            options = NodeOptions(bootstrap=known, ephemeral=False, firewalled=False)
            shells.append(await stack.enter_async_context(await UdpShell.open(options, host=LOOPBACK, port=0)))
            await shells[-1].bootstrapped()
        say({**usage(), "port": shells[0].address(NodeSocket.SERVER).port})
        async for _ in await lines():
            say(usage())


async def our_peers(given: dict[str, Any]) -> None:
    """The same as tests/node/many_peers.cjs, with our peers."""
    node = NodeOptions(bootstrap=(BootstrapNode(LOOPBACK, given["bootstrap"]),), quick_firewall=False)
    tasks: list[asyncio.Task[None]] = []
    peers: list[LivePeer] = []
    for _ in range(given["peers"]):
        peers.append(await LivePeer.open(PeerOptions(node=node), host=LOOPBACK, port=0))
        await peers[-1].bootstrapped()
    listeners: list[Listener] = []
    if "keys" not in given:
        for peer in peers:
            listeners.append(await peer.listen(options=ListenOptions(share_local_address=given["lan"])))
            tasks.append(asyncio.create_task(serve(listeners[-1])))
    say({**usage(), "keys": [listener.public_key.hex() for listener in listeners]})
    async for _ in await lines():
        ended = []
        if "keys" in given:
            keys = [bytes.fromhex(key) for key in given["keys"]]
            options = ConnectOptions(local_connection=given["lan"])
            begun = (
                connect(peers[number % len(peers)], keys[number % len(keys)], options)
                for number in range(given["connects"])
            )
            ended = await asyncio.gather(*begun)
        say({**usage(), "ended": ended})
    for task in tasks:
        task.cancel()


async def serve(listener: Listener) -> None:
    """Echo for everybody."""

    async def echo(conversation: Conversation) -> None:
        while message := await conversation.recv():
            await conversation.send(message)

    async with asyncio.TaskGroup() as group:
        async for conversation in listener:
            group.create_task(echo(conversation))


async def connect(peer: LivePeer, key: bytes, options: ConnectOptions) -> dict[str, Any]:
    """Connect and wait for a word to come back; the connection stays open."""
    began = time.perf_counter()
    try:
        conversation = await peer.connect(key, options)
        await conversation.send(b"hello")
        await conversation.recv()
    except Over as over:
        return {"seconds": 0, "error": over.closing.text}
    return {"seconds": time.perf_counter() - began, "error": None}


class Worker:
    """A process that is told to act by lines, and answers with lines."""

    def __init__(self, process: asyncio.subprocess.Process, before: dict[str, Any]) -> None:
        self.process = process
        self.before = before
        self.cpu = 0.0
        self.growth = 0.0

    @classmethod
    async def start(cls, who: str, given: dict[str, Any]) -> Worker:
        """Start one, and wait until its peers are ready."""
        program = (
            ("node", str(SCRIPTS / "many_peers.cjs")) if who == "theirs" else (sys.executable, "-m", "bench.peers")
        )
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *program, json.dumps(given | {"who": who}), stdin=pipe, stdout=pipe, cwd=ROOT, limit=1 << 24
        )
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            return cls(process, json.loads(await process.stdout.readline()))

    async def go(self) -> dict[str, Any]:
        """Have it act, and take in what that cost since the last time."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"go\n")
        async with asyncio.timeout(PATIENCE):
            answer: dict[str, Any] = json.loads(await self.process.stdout.readline())
        self.cpu, self.growth = answer["cpu"] - self.before["cpu"], answer["peak"] - self.before["peak"]
        return answer

    async def stop(self) -> None:
        """Let it end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self.process.wait()


class Shape(NamedTuple):
    """How many of what."""

    nodes: int
    servers: int
    clients: int
    connects: int


class Run(NamedTuple):
    """What one run took; all but the first three for one connect."""

    connected: int
    seconds: float
    median: float
    """Seconds of the median connect."""
    client_cpu: float
    server_cpu: float
    dht_cpu: float
    client_mib: float
    server_mib: float


async def run(client: str, server: str, *, lan: bool, shape: Shape, errors: Counter[str]) -> Run:
    """All connects once, with processes of their own; "ours" or "theirs" listen and connect."""
    dht = await Worker.start("dht", {"nodes": shape.nodes})
    common = {"bootstrap": dht.before["port"], "lan": lan}
    listening = await Worker.start(server, common | {"peers": shape.servers})
    keys = {"keys": listening.before["keys"], "connects": shape.connects}
    connecting = await Worker.start(client, common | {"peers": shape.clients} | keys)
    workers = (connecting, listening, dht)
    # What they have spent on waiting for each other is not counted.
    for worker in (listening, dht):
        worker.before = await worker.go()
    began = time.perf_counter()
    ended = (await connecting.go())["ended"]
    seconds = time.perf_counter() - began
    for worker in (listening, dht):
        await worker.go()
    for worker in workers:
        await worker.stop()
    errors.update(one["error"] for one in ended if one["error"])
    times = [one["seconds"] for one in ended if not one["error"]]
    cpu = (1000 * worker.cpu / shape.connects for worker in workers)
    memory = (worker.growth / shape.connects for worker in workers[:2])
    return Run(len(times), seconds, statistics.median(times) if times else 0, *cpu, *memory)


async def compare(shape: Shape, rounds: int) -> bool:
    """Print the medians of each kind; whether all connects succeeded."""
    kinds = [(a, b, lan) for lan in (False, True) for a, b in (("theirs", "theirs"), ("ours", "ours"))]
    kinds += [("ours", "theirs", False), ("theirs", "ours", False)]
    found: dict[tuple[str, str, bool], list[Run]] = {kind: [] for kind in kinds}
    errors: Counter[str] = Counter()
    for number in range(rounds):
        for client, server, lan in kinds:
            one = await run(client, server, lan=lan, shape=shape, errors=errors)
            found[client, server, lan].append(one)
            path = "local" if lan else "punched"
            print(f"  round {number + 1}: {client} to {server}, {path}: {one.connected}", file=sys.stderr)
    peers = f"{shape.clients} clients, {shape.servers} servers, {shape.nodes} nodes of ours as the DHT"
    print(f"\n### {shape.connects} connects at once, {peers}; medians of {rounds} rounds\n")
    columns = "client, server, path, connected, wall s, median connect s, client CPU ms, server CPU ms, DHT CPU ms"
    print(f"| {' | '.join(columns.split(', '))} | client MiB | server MiB |")
    print("|" + "---|" * 11)
    for (client, server, lan), runs in found.items():
        connected = " ".join(str(one.connected) for one in runs)
        _, *figures = (statistics.median(figure) for figure in zip(*runs, strict=True))
        path = "local" if lan else "punched"
        print(f"| {client} | {server} | {path} | {connected} | {' | '.join(f'{figure:.2f}' for figure in figures)} |")
    print("\nCPU and memory are for one connect.")
    for error, times in errors.most_common():
        print(f"- {times} times {error}")
    return all(one.connected == shape.connects for runs in found.values() for one in runs)


def main() -> None:
    """Measure and print; fails where a connect did."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, number in Shape(20, 20, 20, 200)._asdict().items():
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-stream", action="store_true", help="leave out the throughput of one stream")
    args = parser.parse_args()
    shape = Shape(args.nodes, args.servers, args.clients, args.connects)
    all_connected = asyncio.run(compare(shape, args.rounds))
    if not args.no_stream:
        stream.ROUNDS = args.rounds
        print("\n### One stream\n\n```")
        asyncio.run(stream.compare())
        print("```")
    sys.exit(0 if all_connected else 1)


def work(given: dict[str, Any]) -> None:
    """Be one of the three processes."""
    asyncio.run(our_dht(given) if given["who"] == "dht" else our_peers(given))


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):
        work(json.loads(sys.argv[1]))
    else:
        main()
