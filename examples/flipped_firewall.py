"""Hold the punch round at the relay, let the server hear another NAT class, and see it punch at random ports in vain.

peephole script examples/flipped_firewall.py
"""

from app.script import Hand


async def main(hand: Hand) -> None:
    network = await hand.network()
    server = await network.server(nat="consistent")
    client = await network.client(nat="consistent")
    await network.relays.hold("command == PEER_HOLEPUNCH and mode == FROM_RELAY and round > 0")

    attempt = client.connect(server, fast_open=False)
    held = await network.relays.held()
    hand.say(f"held: round {held.fields['round']}, the client is {held.fields['firewall']}")
    hand.check("the client's NAT", held.fields["firewall"], "CONSISTENT")
    await held.edit(firewall="RANDOM")
    await held.forward()
    await network.relays.pass_on()

    await hand.sleep(1.5)
    flow = hand.attempt(attempt)
    hand.say(f"the server punched at {flow.server_probes.ports} ports")
    hand.expect(flow.server_probes.ports > 20, "the server should have punched at random ports")
    hand.check("the connection", str(flow.outcome), "unknown")
    attempt.destroy()
