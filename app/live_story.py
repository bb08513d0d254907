"""The story of a live source: that of a stream knows more than its packets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capture.retention import Retention
from capture.several.sources import SeveralSources
from capture.story import Story

if TYPE_CHECKING:
    from capture.given_keys import Keys
    from capture.live import LiveSource


def story_of(source: LiveSource, keys: Keys) -> Story:
    """The story of what a source brings."""
    from capture.sensors.source import SensorSource

    if isinstance(source, SensorSource):
        from app.stream_story import StreamStory

        return StreamStory(source.table, keys, source.receiver)
    return Story(source.table, keys)


def retention_of(story: Story, source: LiveSource, most: int) -> Retention:
    """What keeps a source and its story within a bound, and several sources in order."""
    return Retention(story, source, most, several=source if isinstance(source, SeveralSources) else None)
