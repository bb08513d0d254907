"""Scripts: clients, servers, relays and proxies of our own, step by step, from Python (docs/scripts.md).

A script is a Python file with `async def main(hand)`; `peephole script FILE` runs it.

    from app.script import Act, Hand

    async def main(hand: Hand) -> None:
        network = await hand.network()
        server = await network.server()
        client = await network.client(by_hand=(Act.PROBE,))
        attempt = client.connect(server)
        probe = await client.next(Act.PROBE)
        probe.edit(firewall="RANDOM").send()
        await attempt.ended()
"""

from app.script.attempts import Ending, ScriptAttempt
from app.script.expectations import ExpectationFailed
from app.script.hand import Hand
from app.script.messages import MessageInHand
from app.script.network import ScriptNetwork
from app.script.peers import ScriptClient, ScriptPeer, ScriptProxy, ScriptServer
from app.script.relays import ScriptRelays
from app.script.steps_in_hand import StepInHand
from protocol.peer.steps import Act

__all__ = (
    "Act",
    "Ending",
    "ExpectationFailed",
    "Hand",
    "MessageInHand",
    "ScriptAttempt",
    "ScriptClient",
    "ScriptNetwork",
    "ScriptPeer",
    "ScriptProxy",
    "ScriptRelays",
    "ScriptServer",
    "StepInHand",
)
