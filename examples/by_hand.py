"""Walk a connection by hand: every step of the client waits, is looked at, and is sent.

peephole script examples/by_hand.py
"""

from app.script import Act, Hand

SHOWN = ("relay", "firewall", "addresses", "round", "punching", "destination")


async def main(hand: Hand) -> None:
    network = await hand.network()
    server = await network.server(nat="consistent")
    client = await network.client(nat="consistent", by_hand=tuple(Act))
    attempt = client.connect(server, fast_open=False)
    walked = []
    while Act.BARRAGE not in walked:
        step = await client.next()
        walked.append(step.act)
        hand.say(
            f"{step.act.name}: " + ", ".join(f"{name} {step.fields[name]}" for name in SHOWN if name in step.fields)
        )
        step.send()
    client.by_itself()
    hand.check("the echo", await attempt.echo(b"hello"), b"hello")
    await attempt.end()
    for act in (Act.FIND, Act.OFFER, Act.ASK, Act.SAMPLE, Act.PROBE, Act.PUNCH):
        hand.expect(act in walked, f"a client should have come to {act.name}")
    flow = await hand.verdict(attempt, "punched")
    hand.check("the server's token", str(flow.server_token), "verified")
