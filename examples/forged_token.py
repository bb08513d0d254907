"""A client behind a random NAT that forges the server's token: the server refuses to punch.

peephole script examples/forged_token.py
"""

from app.script import Act, Hand


async def main(hand: Hand) -> None:
    network = await hand.network()
    server = await network.server(nat="consistent")
    client = await network.client(nat="random", by_hand=(Act.PUNCH,))
    attempt = client.connect(server, fast_open=False)

    punch = await client.next(Act.PUNCH)
    hand.say(f"the server's token: {punch.fields['remote_token']}")
    punch.edit(remote_token="random").send()

    ending = await attempt.failed()
    hand.check("the error", ending.error, "HOLEPUNCH_ABORTED")
    hand.check("the cause", ending.cause, "the peer aborted")
    flow = await hand.verdict(attempt, "unverified-address")
    hand.check("the server's token", str(flow.server_token), "mismatch")
