"""A story of a stream while it grows, as the inspector has it."""

from __future__ import annotations

from collections.abc import Callable

from capture.retention import Retention
from capture.sensors.source import SensorSource
from capture.story import Story

SECONDS = 30.0
"""After which a test has failed."""
_LOOK = 0.05


class Watching:
    """Looks at a source until something is so."""

    def __init__(self, source: SensorSource, keep: int = 0) -> None:
        self.source = source
        self.story = Story(source.table)
        self.retention = Retention(self.story, source, keep, several=source)
        self.told: list[str] = []
        """What was said of the connection, empty when it was there again."""

    def look(self) -> None:
        """Take in what has come."""
        self.source.wait(_LOOK)
        self.source.collect()
        self.story.update()
        self.retention.step()
        trouble = self.source.trouble
        if trouble != (self.told[-1] if self.told else ""):
            self.told.append(trouble)

    def until(self, done: Callable[[], bool]) -> None:
        """Look until it is so."""
        looks = 0
        while not done():
            assert looks * _LOOK < SECONDS, f"it does not come: {self.told}"
            looks += 1
            self.look()

    @property
    def packets(self) -> int:
        """Datagrams that came."""
        return sum(file.udp for file in self.source.table.files)

    @property
    def verdicts(self) -> list[tuple[str, str, int]]:
        """Id, verdict and number of messages of each attempt."""
        return verdicts_of(self.story)


def verdicts_of(story: Story) -> list[tuple[str, str, int]]:
    """The same of any story."""
    return [(flow.id, str(flow.verdict.code), len(flow.messages)) for flow in story.flows]
