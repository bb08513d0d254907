"""`peephole listen`: a server of our own that clients can connect to."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from app.commands.live import basics_of, desk_of, proxy_of, run_own
from app.terminal_text import safe_text

if TYPE_CHECKING:
    from protocol.peer.live import Conversation


def run(options: argparse.Namespace) -> int:
    """Listen until the user leaves, Ctrl-C, or the duration is over; headless, the public key is printed first."""
    settings, pair = basics_of(options)
    from protocol.peer.options import ListenOptions

    listen = ListenOptions(
        never_punch=options.never_punch, share_local_address=not options.no_local, proxy=proxy_of(options)
    )
    settings = replace(settings, listen=listen, echo=options.echo, desk=desk_of(options, "server"))
    if options.headless and not options.json:
        sys.stdout.write(f"{pair.public_key.hex()}\n")
        sys.stdout.flush()
    return run_own(options, settings, on_message=_heard)


def _heard(conversation: Conversation, message: bytes) -> None:
    said = safe_text(message.decode("utf-8", "replace"))
    sys.stderr.write(f"peephole: {conversation.remote_public_key.hex()[:8]} says: {said}\n")
