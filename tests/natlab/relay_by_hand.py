"""A DHT node of ours with a preset at work on everything that it passes on, and with a capture of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from app.hand.interception import LiveInterception
from app.hand.preset_files import preset
from app.hand.rules import Per
from app.script.saving import save
from capture.tap import Tap
from protocol.dht.node import Node
from protocol.dht.options import NodeOptions
from protocol.udp_shell import UdpShell


async def relay_by_hand(
    config: dict[str, Any], options: NodeOptions, say: Callable[..., None], stopped: Callable[[], Awaitable[None]]
) -> None:
    """Run it until it is told to stop; then its capture is written, and what was touched is told.

    Args:
        config: `host`, `port`, `preset` (empty for none), `once` (to one datagram of each attempt), and `capture`, the
            file to write.
        options: of the node.
        say: tells events.
        stopped: waits for the order to stop.
    """
    tap = Tap("relay")
    rules = preset(config["preset"]).rules if config["preset"] else ()
    if config["once"]:
        rules = tuple(replace(rule, times=1, per=Per.ATTEMPT) for rule in rules)
    interception = LiveInterception(tap, rules)

    def make(random: Random, now: float, epoch: float) -> Node:
        return Node(replace(options, epoch=epoch), random, now)

    shell = await UdpShell.run_machine(
        make, host=config["host"], port=config["port"], tap=interception.take, around=interception.around
    )
    async with shell:
        interception.attach(shell)
        await shell.bootstrapped()
        say("ready", host=config["host"], port=shell.address(1).port)
        await stopped()
        tap.collect()
        save(tap, Path(config["capture"]))
        status = interception.status()
        hits = {} if status is None else {rule.name: rule.hits for rule in status.rules if rule.hits}
        say("touched", hits=hits)
