"""`peephole proxy`: punch for peers that can't, and pass their streams on."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from app.commands.live import basics_of, public_keys_of, run_own


def run(options: argparse.Namespace) -> int:
    """Be a proxy until the user leaves, Ctrl-C, or the duration is over; headless, the public key is printed first."""
    settings, pair = basics_of(options)
    from app.live_node import Proxying

    admitted = public_keys_of(options.admit, "--admit")
    settings = replace(settings, proxying=Proxying(frozenset(admitted) if admitted else None, options.max_bytes))
    if options.headless and not options.json:
        sys.stdout.write(f"{pair.public_key.hex()}\n")
        sys.stdout.flush()
    return run_own(options, settings)
