"""An interceptor on real sockets: its timers are the shell's, and what is held when the shell closes is told."""

from __future__ import annotations

import asyncio

from protocol.dht.bootstrap import BootstrapNode
from protocol.dht.contact import NodeSocket
from protocol.dht.node import Node
from protocol.dht.options import NodeOptions
from protocol.intercept.interceptor import Interceptor
from protocol.intercept.values import LET_PASS, Action, Delay, Direction, Duplicate, Fate, Hold, Passing, Ruling
from protocol.udp_machine import Machine
from protocol.udp_shell import LOOPBACK, UdpShell


def ruled(*actions: Action, way: Direction) -> tuple[list[Interceptor], object]:
    """What puts an interceptor around a machine that does this to every datagram of one direction."""
    made: list[Interceptor] = []

    def judge(passing: Passing) -> Ruling:
        return Ruling(actions, "r") if passing.direction is way else LET_PASS

    def around(machine: Machine) -> Machine:
        made.append(Interceptor(machine, judge))
        return made[0]

    return made, around


async def first_node() -> UdpShell[Node]:
    shell = await UdpShell.open(NodeOptions(ephemeral=False, firewalled=False), host=LOOPBACK, port=0)
    await shell.bootstrapped()
    return shell


async def joining(first: UdpShell[Node], around: object) -> UdpShell[Node]:
    port = first.address(NodeSocket.SERVER).port
    options = NodeOptions(bootstrap=(BootstrapNode(LOOPBACK, port),))
    return await UdpShell.open(options, host=LOOPBACK, port=0, around=around)  # type: ignore[arg-type]


async def test_delayed_and_doubled_answers_do() -> None:
    made, around = ruled(Delay(0.05), Duplicate(), way=Direction.RECEIVED)
    async with await first_node() as first, await joining(first, around) as shell:
        async with asyncio.timeout(30):
            await shell.bootstrapped()
        assert shell.machine.requests.counts.responses >= 1
        assert made[0].counts[Fate.DELAYED] >= 1
        assert made[0].counts[Fate.DUPLICATED] == made[0].counts[Fate.DELAYED]


async def test_what_is_held_when_the_shell_closes_goes_nowhere() -> None:
    made, around = ruled(Hold(), way=Direction.SENT)
    async with await first_node() as first:
        shell = await joining(first, around)
        assert len(made[0].held) >= 1
        await shell.close()
        assert made[0].held == ()
        assert made[0].counts[Fate.ABANDONED] == made[0].counts[Fate.HELD]


async def test_a_held_datagram_goes_when_somebody_lets_it() -> None:
    made, around = ruled(Hold(), way=Direction.SENT)
    async with await first_node() as first, await joining(first, around) as shell:
        bootstrapped = asyncio.create_task(shell.bootstrapped())
        while not bootstrapped.done():
            shell.act(lambda _, now: made[0].forward_all(now))
            await asyncio.wait((bootstrapped,), timeout=0.01)
        assert shell.machine.requests.counts.responses >= 1
