"""What a run leaves: its packets as a file, and its attempts in a few words each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.exit_status import CommandError, ExitStatus
from capture.pcapng_writer import write_pcapng

if TYPE_CHECKING:
    from app.script.hand import Hand
    from capture.tap import Tap


def save(tap: Tap, path: Path) -> int:
    """Write everything that a tap has, and the secrets that open it, as pcapng; gives the number of packets.

    Raises:
        CommandError: the file can't be written.
    """
    secrets = b"".join(tap.file.secrets) or None
    try:
        return write_pcapng(path, tap.table, range(len(tap.table)), comment="peephole script", secrets=secrets)
    except OSError as error:
        raise CommandError(ExitStatus.USAGE, f"{path} can't be written: {error.strerror or error}") from None


def summaries(hand: Hand) -> list[dict[str, Any]]:
    """Every attempt that was seen, the oldest first."""
    return [
        {
            "id": flow.id,
            "verdict": str(flow.verdict.code),
            "outcome": str(flow.outcome),
            "server_token": str(flow.server_token),
            "client_token": str(flow.client_token),
            "rounds": len(flow.rounds),
        }
        for flow in hand.story.flows
    ]
