"""`peephole script FILE`: run a script that plays clients, servers, relays and proxies (docs/scripts.md)."""

from __future__ import annotations

import argparse
import json
import sys

from app.exit_status import ExitStatus
from app.terminal_text import safe_text


def run(options: argparse.Namespace) -> int:
    """Run the script; what it expected and did not get is on standard error, or with ``--json`` in the result."""
    from app.script.hand import Hand, print_line
    from app.script.running import run_script, told
    from app.script.saving import summaries

    hand = Hand(options.args, seed=options.seed, say=None if options.json else print_line)
    ran = run_script(options.script, hand, options.timeout)
    if options.write:
        hand.save(options.write)
    if options.json:
        result = {
            "script": options.script,
            "result": str(ran.result),
            "seconds": round(ran.seconds, 3),
            "failure": ran.failure or None,
            "places": [{"file": one.file, "line": one.line, "text": one.text} for one in ran.places],
            "said": hand.said,
            "attempts": summaries(hand),
        }
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
        return ran.status
    stream = sys.stdout if ran.status is ExitStatus.OK else sys.stderr
    for line in told(options.script, ran):
        stream.write(safe_text(line) + "\n")
    return ran.status
