"""`peephole node`: a node of the DHT of our own, in the inspector or headless; every packet of it can be looked at."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from app.commands.live import own_keys, run_own
from app.reading import chosen_filter

if TYPE_CHECKING:
    from app.live_node import LiveNode
    from capture.tap import Tap


def run(options: argparse.Namespace) -> int:
    """Run the node until the user leaves, Ctrl-C, or the duration is over."""
    chosen_filter(options)
    pair = own_keys(options)

    def make(tap: Tap) -> LiveNode:
        from app.commands.live import settings_of
        from app.live_node import LiveNode

        return LiveNode(settings_of(options, pair), tap)

    return run_own(options, make)
