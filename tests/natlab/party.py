"""One of ours in the lab: a DHT node, a server or a client, with the orders and events of `nodes/*.cjs`.

`python -m tests.natlab.party ROLE CONFIG`. One JSON object per line: orders on stdin, events on stdout. `relay` is
`nodes/relay.cjs`, `server` is `nodes/echo-server.cjs`, `client` is `nodes/echo-client.cjs`. A `proxy` punches for
others; a server's config and a client's orders may name the key of one.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from protocol.dht.bootstrap import BootstrapNode
from protocol.dht.options import NodeOptions
from protocol.keys import key_pair
from protocol.messages import Address
from protocol.noise_handshake import KeyLine
from protocol.peer.failures import Closing
from protocol.peer.live import Conversation, ConversationOver, Listener, LivePeer
from protocol.peer.options import ConnectOptions, ListenOptions, PeerOptions, ProxyUse, forget_key
from protocol.proxy.host import host_proxy
from protocol.udp_shell import UdpShell

PIECE = 32768
MOST = 20
"""A host with a public address joins so often until it knows that it has one (as `nodes/join.cjs`)."""

Config = dict[str, Any]


def say(event: str, **fields: Any) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)


async def orders() -> AsyncIterator[Config]:
    """Everything that the lab orders, up to `stop`."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        order = json.loads(line)
        if order["order"] == "stop":
            return
        yield order


async def stopped() -> None:
    async for order in orders():
        raise ValueError(f"no such order here: {order}")


def _bootstrap(config: Config) -> tuple[BootstrapNode, ...]:
    return tuple(BootstrapNode(each["host"], each["port"]) for each in config.get("bootstrap") or ())


async def relay(config: Config) -> None:
    host, port = config["host"], config["port"]
    known = _bootstrap(config)
    own = None if known else Address(host, port)
    options = NodeOptions(bootstrap=known, ephemeral=False, firewalled=False, public_address=own)
    if "preset" in config:
        from tests.natlab.relay_by_hand import relay_by_hand

        await relay_by_hand(config, options, say, stopped)
        return
    async with await UdpShell.open(options, host=host, port=port) as shell:
        await shell.bootstrapped()
        say("ready", host=host, port=shell.address(1).port)
        await stopped()


async def join(config: Config) -> LivePeer:
    def log(line: KeyLine) -> None:
        with Path(config["keylog"]).open("a") as file:
            file.write(line.text + "\n")

    options = PeerOptions(
        node=NodeOptions(bootstrap=_bootstrap(config)),
        random_punch_interval=config["random_punch_interval"],
        on_key=log if config.get("keylog") else forget_key,
    )
    for _ in range(MOST):
        peer = await LivePeer.open(options)
        await peer.bootstrapped()
        if not config.get("open") or peer.peer.open_address is not None:
            return peer
        await peer.close()
    raise RuntimeError("a host with a public address takes itself for firewalled")


async def serve(conversation: Conversation, key: int, size: int) -> None:
    """Echo, and end when the client has ended; destroy where the client sends a byte too many."""
    digest, received, ended = sha256(), 0, False
    try:
        while message := await conversation.recv():
            digest.update(message[: max(0, size - received)])
            received += len(message)
            if received > size:
                conversation.destroy()
                break
            await conversation.send(message)
        else:
            ended = True
            conversation.end()
        closing = await conversation.closed()
    except ConversationOver as over:
        closing = over.closing
    say(
        "served",
        key=key,
        client=conversation.remote_public_key.hex(),
        received=received,
        digest=digest.hexdigest(),
        ended=ended,
        **_ended_by(closing),
    )


async def server(config: Config) -> None:
    async with await join(config) as peer:

        async def accept(listener: Listener, key: int) -> None:
            async with asyncio.TaskGroup() as group:
                async for conversation in listener:
                    group.create_task(serve(conversation, key, config["size"]))

        keys, tasks = [], []
        for number in range(config["keys"]):
            listener = await peer.listen(key_pair(os.urandom(32)), ListenOptions(proxy=_proxy(config)))
            keys.append(listener.public_key.hex())
            tasks.append(asyncio.create_task(accept(listener, number)))
        while any(server.proxy is not None and server.proxy.link.path is None for server in peer.peer.servers):
            await asyncio.sleep(0.05)
        say("ready", keys=keys, firewalled=peer.peer.open_address is None)
        await stopped()
        for task in tasks:
            task.cancel()


async def connect(peer: LivePeer, order: Config) -> None:
    """One connection, from its first packet to its end."""
    loop = asyncio.get_running_loop()
    size = order["size"]
    data = os.urandom(size)
    sent = sha256(data).hexdigest()
    digest, received, ended = sha256(), 0, False
    opened = echoed = None
    started = loop.time()
    options = ConnectOptions(fast_open=order["fast_open"], proxy=_proxy(order))
    conversation = peer.begin(bytes.fromhex(order["public_key"]), options)

    async def send_all() -> None:
        for at in range(0, size, PIECE):
            await conversation.send(data[at : at + PIECE])

    sender = None
    try:
        await conversation.opened()
        opened = loop.time() - started
        sender = asyncio.create_task(send_all())
        while received < size and (message := await conversation.recv()):
            digest.update(message)
            received += len(message)
        echoed = loop.time() - started
        if order["finish"] == "end":
            conversation.end()
            ended = not await conversation.recv()
        elif order["finish"] == "destroy":
            conversation.destroy()
        else:
            await conversation.send(b"\0")
        closing = await conversation.closed()
    except ConversationOver as over:
        closing = over.closing
    if sender is not None:
        await asyncio.gather(sender, return_exceptions=True)
    say(
        "closed",
        label=order["label"],
        connect=opened,
        echo=None if echoed is None or opened is None else echoed - opened,
        intact=received == size and digest.hexdigest() == sent,
        digest=sent,
        ended=ended,
        **_ended_by(closing),
    )


def _ended_by(closing: Closing) -> dict[str, str | None]:
    return {"error": None if closing.error is None else str(closing.error), "cause": str(closing.cause)}


def _proxy(config: Config) -> ProxyUse | None:
    return ProxyUse(bytes.fromhex(config["proxy"])) if config.get("proxy") else None


async def proxy(config: Config) -> None:
    async with await join(config) as peer:
        host = host_proxy(peer.peer, key_pair(os.urandom(32)), peer.shell.now)
        peer.shell.drive()
        await peer.announced(host.server)
        say("ready", public_key=host.server.public_key.hex(), firewalled=peer.peer.open_address is None)
        async for _ in orders():
            say("told", begun=host.begun, connected=host.connected, forwarded=host.forwarded, refused=len(host.refused))


async def client(config: Config) -> None:
    async with await join(config) as peer, asyncio.TaskGroup() as group:
        say("ready", public_key=peer.peer.key_pair.public_key.hex(), firewalled=peer.peer.open_address is None)
        async for order in orders():
            group.create_task(connect(peer, order))


if __name__ == "__main__":
    asyncio.run(
        {"relay": relay, "server": server, "client": client, "proxy": proxy}[sys.argv[1]](json.loads(sys.argv[2]))
    )
