"""The editable fields of steps of a peer of our own, before they are sealed; see `protocol.peer.steps`."""

from __future__ import annotations

from typing import Final

from protocol.editing.kinds import AddressText
from protocol.editing.lines import Line, line, under
from protocol.editing.payloads import HOLEPUNCH_LINES, NOISE_LINES
from protocol.peer.steps import HolepunchStep, NoiseStep, PunchStep

STEP_LINES: Final[dict[type, tuple[Line, ...]]] = {
    NoiseStep: under("payload", NOISE_LINES),
    HolepunchStep: (
        line("relay", AddressText(), optional=True, note="who passes it on"),
        line("peer_address", AddressText(), optional=True, note="where the relay passes it on to"),
        *under("payload", HOLEPUNCH_LINES),
    ),
    PunchStep: (line("destination", AddressText(), "to", optional=True, note="none: as the puncher chooses"),),
}
"""By the class of the step; a new kind of step is one more entry."""
