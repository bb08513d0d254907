"""Throughput of one stream over loopback, ours and udx-native's, in every pairing: ``python -m bench.stream``.

Two processes on one machine, one direction; the receiver measures from its first byte to the end of the stream, and
each side its processor time. With rounds interleaved, and medians of them, so that a busy machine hits all pairings
alike. The same with secret streams.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from protocol.messages import Address
from protocol.stream.events import DataReceived, RemoteEnded, StreamClosed
from protocol.stream.secret import SecretKeys, SecretStream
from protocol.stream.udx import UdxStream
from tests.interop.stream_shell import StreamShell

ROOT = Path(__file__).parent.parent
SCRIPTS = ROOT / "tests" / "node"
SIZE = 32 << 20
ROUNDS = 5
PIECE = 65536
KEYS = {"tx": bytes(32).hex(), "rx": bytes(range(32)).hex(), "hash": bytes(64).hex()}


async def our_side(options: dict[str, Any]) -> None:
    """The same as tests/node/udx-peer.cjs, with our stream."""
    raw = UdxStream(options["id"])
    stream: UdxStream | SecretStream = raw
    left = options.get("size", 0)
    piece = bytes(PIECE)
    closed = asyncio.Event()
    loop = asyncio.get_running_loop()
    read, started, seconds = 0, 0.0, 0.0
    sending = options["act"] == "exchange"

    def change() -> None:
        nonlocal left, read, started, seconds, sending
        while (event := stream.poll_event()) is not None:
            if isinstance(event, DataReceived):
                started = started or loop.time()
                read += len(event.data)
            elif isinstance(event, RemoteEnded):
                seconds = loop.time() - started if started else 0.0
                if options["act"] == "sink":
                    stream.end()
            elif isinstance(event, StreamClosed):
                closed.set()
        while sending and raw.may_send:
            stream.send(piece[:left])
            left -= min(left, PIECE)
            if not left:
                sending = False
                stream.end()

    shell = StreamShell(raw, change, port=options["bind"])
    raw.connect(options["remoteId"], Address("127.0.0.1", options["port"]), shell.now)
    if (secret := options.get("secret")) is not None:
        keys = SecretKeys(secret["initiator"], *(bytes.fromhex(secret[name]) for name in ("tx", "rx", "hash")))
        shell.machine = stream = SecretStream(raw, keys, os.urandom(32))
    print(json.dumps({"port": shell.port}), flush=True)
    cpu = time.process_time()
    shell.pump()
    await closed.wait()
    print(json.dumps({"read": read, "seconds": seconds, "cpu": time.process_time() - cpu}), flush=True)
    shell.close()


def free_ports() -> tuple[int, int]:
    """Two UDP ports that nobody uses."""
    with socket.socket(type=socket.SOCK_DGRAM) as first, socket.socket(type=socket.SOCK_DGRAM) as second:
        for one in (first, second):
            one.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


class Transfer(NamedTuple):
    """What one transfer took."""

    rate: float
    """Bytes per second at the receiver."""
    sender_cpu: float
    """Seconds of processor time."""
    receiver_cpu: float


async def transfer(sender: str, receiver: str, secret: bool) -> Transfer:
    """One transfer between "ours" and "theirs"."""
    ports = free_ports()
    sides = []
    for index, (who, act) in enumerate(((receiver, "sink"), (sender, "exchange"))):
        options: dict[str, Any] = {"bind": ports[index], "port": ports[1 - index], "act": act, "size": SIZE * index}
        options |= {"id": 22 + index, "remoteId": 23 - index}
        if secret:
            keys = KEYS if index else {"tx": KEYS["rx"], "rx": KEYS["tx"], "hash": KEYS["hash"]}
            options |= {"framed": True, "secret": {**keys, "initiator": bool(index)}}
        program = (sys.executable, "-m", "bench.stream") if who == "ours" else ("node", str(SCRIPTS / "udx-peer.cjs"))
        pipe = asyncio.subprocess.PIPE
        sides.append(await asyncio.create_subprocess_exec(*program, json.dumps(options), stdout=pipe, cwd=ROOT))
        assert sides[-1].stdout is not None
        await sides[-1].stdout.readline()
    outputs = [await asyncio.wait_for(side.communicate(), 120) for side in sides]
    received, sent = (json.loads(output) for output, _ in outputs)
    assert received["read"] == SIZE, received
    return Transfer(SIZE / float(received["seconds"]), sent["cpu"], received["cpu"])


async def compare() -> None:
    """Print the median of each pairing, and its ratio to theirs with theirs."""
    pairings = [(a, b, secret) for secret in (False, True) for a in ("theirs", "ours") for b in ("theirs", "ours")]
    found: dict[tuple[str, str, bool], list[Transfer]] = {pairing: [] for pairing in pairings}
    for _ in range(ROUNDS):
        for pairing in pairings:
            found[pairing].append(await transfer(*pairing))
    print(f"{SIZE >> 20} MiB over loopback, median of {ROUNDS} interleaved rounds; CPU in ms per MiB")
    print("stream  sender  receiver   MB/s   ratio   sender CPU  receiver CPU")
    reference = {secret: medians(found["theirs", "theirs", secret]).rate for secret in (False, True)}
    for (sender, receiver, secret), transfers in found.items():
        rate, *cpu = medians(transfers)
        name = "secret" if secret else "udx"
        used = "  ".join(f"{1000 * seconds / (SIZE >> 20):11.1f}" for seconds in cpu)
        print(f"{name:7} {sender:7} {receiver:9} {rate / 1e6:6.1f}  {rate / reference[secret]:6.2f}  {used}")


def medians(transfers: list[Transfer]) -> Transfer:
    """The median of each figure by itself."""
    return Transfer(*(statistics.median(figures) for figures in zip(*transfers, strict=True)))


if __name__ == "__main__":
    asyncio.run(our_side(json.loads(sys.argv[1])) if len(sys.argv) > 1 else compare())
