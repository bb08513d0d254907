"""What sensors publish, as a live source, as the options say."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from app.nats_options import bus_of, since_of

if TYPE_CHECKING:
    from capture.sensors.source import SensorSource


def opened_stream(options: argparse.Namespace) -> SensorSource:
    """The stream that the options name, not yet started.

    Raises:
        CommandError: options that can't be used.
    """
    from capture.sensors.source import SensorSource

    return SensorSource(bus_of(options, options.from_bus), since_of(options))
