"""Two random NATs do not get through to each other; with a proxy between them they do.

peephole script examples/proxied.py
"""

from app.script import Hand


async def main(hand: Hand) -> None:
    network = await hand.network()
    server = await network.server(nat="random")
    client = await network.client(nat="random")
    ending = await client.connect(server).failed()
    hand.check("the cause without a proxy", ending.cause, "both NATs give each destination another port")

    proxy = await network.proxy()
    attempt = client.connect(server, proxy=proxy)
    hand.check("the echo", await attempt.echo(b"through"), b"through")
    await attempt.end()
    hand.check("hand-offs that got through", proxy.connected, 1)
