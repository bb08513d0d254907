"""`peephole node`: a node of the DHT of our own; every packet of it can be looked at."""

from __future__ import annotations

import argparse
from dataclasses import replace

from app.commands.live import basics_of, run_own


def run(options: argparse.Namespace) -> int:
    """Run the node until the user leaves, Ctrl-C, or the duration is over."""
    settings, _ = basics_of(options)
    if options.persistent:
        settings = replace(settings, ephemeral=False)
    if options.announce:
        from protocol.peer.options import ListenOptions

        settings = replace(settings, listen=ListenOptions())
    return run_own(options, settings)
