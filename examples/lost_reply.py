"""The relays lose every answer to the client's rounds: the client repeats its probe, then gives up.

peephole script examples/lost_reply.py
"""

from app.script import Hand


async def main(hand: Hand) -> None:
    network = await hand.network()
    server = await network.server()
    client = await network.client()
    await network.relays.preset("lost-reply")

    attempt = client.connect(server, fast_open=False)
    ending = await attempt.failed()
    hand.check("the cause", ending.cause, "a holepunch request was not answered")
    lost = [one for one in network.relays.touched if one.fate == "dropped"]
    hand.say(f"{len(lost)} answers were lost")
    hand.expect(len(lost) >= 3, "the client should have repeated its round")
    await hand.verdict(attempt, "probe-unanswered")
