"""The inspector on a stream: one story of two sensors, and a server that is away is said while it is away."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot

from app.live_feed import LiveFeed
from app.live_story import retention_of, story_of
from app.tui.bars import Banner
from capture.given_keys import NO_KEYS
from capture.sensors.bus import parse_bus
from capture.sensors.records import AttemptRecord
from capture.sensors.source import SensorSource
from capture.sensors.stream_reader import Since
from tests.app.tui.stage import inspector, main_of, opened, text_on
from tests.nats.publishing import head, make_stream, publish, records_of
from tests.nats.server import NatsServer

LAB = Path(__file__).parent.parent / "fixtures" / "lab" / "consistent-random"
NEVER = 3600.0
LOOKS = 400


async def look_until(pilot: Pilot[int], source: SensorSource, *texts: str, told: int = 0) -> None:
    """Look at what came until the screen says something, and sensors have told of so many attempts."""
    for _ in range(LOOKS):
        if all(text in text_on(pilot) for text in texts) and len(source.receiver.told) == told:
            return
        source.wait(0.05)
        await main_of(pilot).look()
        await pilot.pause()
    raise AssertionError(f"{texts} is not on screen:\n{text_on(pilot)}")


async def test_two_sensors_are_one_story_and_a_server_that_is_away_is_said(tmp_path: Path) -> None:
    with NatsServer(tmp_path) as server:
        await make_stream(server, "peephole")
        client, at_server = (records_of(LAB / f"{side}.pcap.gz", side) for side in ("client", "server"))
        told = AttemptRecord(head("client", len(client)), "0123456789abcdef", "punched", "connected", True, {})
        await publish(server, "peephole", client)
        with SensorSource(parse_bus(server.url), Since()) as source:
            story = story_of(source, NO_KEYS)
            feed = LiveFeed(source, retention=retention_of(story, source, 0))
            app = inspector(story, feed=feed, tick=NEVER)
            async with app.run_test(size=(120, 40)) as pilot:
                await opened(pilot)
                await look_until(pilot, source, "1 attempt", f"live {server.url}/peephole", "NATS")
                server.kill()
                await look_until(pilot, source, "trying again")
                assert pilot.app.screen.query_one(Banner).display
                server.start()
                await publish(server, "peephole", [*at_server, told])
                await look_until(pilot, source, "client +1", "punched", told=1)
                assert "trying again" not in text_on(pilot)
                await pilot.press("E")
                await pilot.pause()
                assert "attempt 0123456789abcdef: its packets are not here; sensor client told" in text_on(pilot)
                await pilot.press("escape", "H")
                await pilot.pause()
                await pilot.press("E")
                await pilot.pause()
                shown = text_on(pilot)
                assert "1 verdict of sensors" in shown
                assert "0123456789abcdef" not in shown
                assert "client" not in shown
