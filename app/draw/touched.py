"""What was done to packets on their way through a node of ours, in words for the ladder and the message pane."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from app.draw import terms
from app.terminal_text import safe_text
from app.wording import counted
from capture.model import Flow, FlowMessage, Sighting, Step
from capture.touches import Touch
from protocol.constants import Command, InternalCommand
from protocol.editing.fields import fields_of
from protocol.editing.values import Opener
from protocol.intercept.values import Fate
from protocol.messages import Request

MOST: Final = 6
"""Rows that a packet gets at most."""
MOST_TOUCHED: Final = 64
"""Datagrams of a burst of which it is said what was done to them."""
_SIGNS: Final = {
    Fate.HELD: "‖",
    Fate.DROPPED: "✕",
    Fate.ABANDONED: "✕",
    Fate.EDITED: "±",
    Fate.REDIRECTED: "↪",
    Fate.DUPLICATED: "+",
    Fate.REPLAYED: "↻",
    Fate.UNEDITED: "!",
}
_OTHER: Final = "»"
"""Of what went on as it came, later."""
_WORDS: Final = {
    Fate.HELD: "held",
    Fate.FORWARDED: "sent on as it came",
    Fate.EDITED: "edited",
    Fate.REDIRECTED: "sent elsewhere",
    Fate.DROPPED: "dropped",
    Fate.DELAYED: "sent on late",
    Fate.REORDERED: "sent on behind later ones",
    Fate.DUPLICATED: "a copy was sent",
    Fate.REPLAYED: "sent once more",
    Fate.OVERTAKEN: "sent on because too many were held",
    Fate.UNEDITED: "could not be edited",
    Fate.ABANDONED: "still held when the node ended",
}
_SPOKEN: Final = ("tid", "raw", "noise", "payload", "value")
"""Fields whose values are said only where nothing else differs."""


class TouchRow(NamedTuple):
    """One thing that was done to a packet."""

    sent: bool
    """Where it left our node; else where it came in."""
    texts: tuple[str, ...]
    """What was done, from long to short; safe."""


TouchRows = Callable[[Flow, Sighting], Sequence[TouchRow]]
"""Gives what was done to a packet of an attempt."""


class Packet(NamedTuple):
    """What is known of a packet that was touched."""

    data: bytes
    """As the capture has it."""
    asked: Request | None = None
    """What it answers."""
    secret: bytes | None = None
    """What opens it."""


def touch_sign(touches: Sequence[Touch]) -> str:
    """One cell that says what was done to a packet; a blank where nothing was."""
    if not touches:
        return " "
    fates = [touch.fate for touch in touches]
    for fate in (Fate.EDITED, Fate.REDIRECTED, Fate.DROPPED, Fate.ABANDONED):
        if fate in fates:
            return _SIGNS[fate]
    return _sign(touches[-1].fate)


def touch_rows(touches: Sequence[Touch], packet: Packet, *, masked: bool = False) -> list[TouchRow]:
    """What was done to a packet; that it was held is said with what came next.

    Args:
        touches: what was done, in order.
        packet: the packet.
        masked: leave out addresses and values of fields.
    """
    rows: list[TouchRow] = []
    held: dict[bool, Touch] = {}
    for touch in touches:
        if touch.fate == Fate.HELD:
            held[touch.sent] = touch
            continue
        rows.append(_row(touch, held.pop(touch.sent, None), packet, masked))
    rows += [_row(touch, None, packet, masked) for touch in held.values()]
    if len(rows) > MOST:
        more = f"{_OTHER} and {counted(len(rows) - MOST + 1, 'more thing')} done to it"
        rows[MOST - 1 :] = [TouchRow(rows[-1].sent, (more,))]
    return rows


def touched_of_step(step: Step, touched: TouchRows, flow: Flow) -> Iterator[tuple[Sighting, TouchRow]]:
    """What was done to the datagrams of a step, each with its datagram; of a long burst to the first ones.

    Args:
        step: of an attempt, shown.
        touched: tells it.
        flow: the attempt.
    """
    sightings = step.members if len(step.members) > 1 else () if step.sighting is None else (step.sighting,)
    for sighting in sightings[:MOST_TOUCHED]:
        for one in touched(flow, sighting):
            yield sighting, one


def packet_of(flow: Flow, sighting: Sighting, data: bytes) -> Packet:
    """What an attempt says of one of its packets."""
    message = next((one for one in flow.messages if sighting in (one.sighting, *one.copies)), None)
    return Packet(data, _asked(message), flow.key.holepunch_secret)


def _row(touch: Touch, held: Touch | None, packet: Packet, masked: bool) -> TouchRow:
    return TouchRow(touch.sent and not touch.unsent, _texts(touch, held, packet, masked))


def _texts(touch: Touch, held: Touch | None, packet: Packet, masked: bool) -> tuple[str, ...]:
    sign = _sign(touch.fate)
    word = _WORDS.get(touch.fate, safe_text(touch.fate))  # type: ignore[call-overload]  # a file may say any word
    if touch.fate == Fate.REDIRECTED and touch.to is not None and not masked:
        word = f"{'sent to' if touch.sent else 'taken as from'} {terms.address(touch.to)}"
    before = "" if held is None else f"held {(touch.time_ns - held.time_ns) / 1e9:.1f} s, then "
    by = f"by rule {safe_text(touch.rule)}" if touch.rule is not None else "" if touch.fate == Fate.HELD else "by hand"
    if touch.fate in (Fate.FORWARDED, Fate.OVERTAKEN, Fate.ABANDONED):
        by = ""
    changes = () if masked else _changes(touch, packet)
    what = ", ".join(f"{name} {old} → {new}" for name, old, new in changes)
    place = "what came of it was " if touch.unsent else ""
    reason = safe_text(touch.reason) if touch.fate == Fate.UNEDITED else ""
    head = terms.joined((f"{sign} {place}{before}{word}", by), by=" ")
    short = f"{sign} {word}"
    tail = terms.joined((what, reason), by="; ")
    found = [f"{head}: {tail}", f"{short}: {tail}"] if tail else []
    if changes:
        found.append(f"{sign} {', '.join(f'{name} {new}' for name, _, new in changes)}")
    return (*found, head, short)


def _sign(fate: str) -> str:
    return _SIGNS.get(fate, _OTHER)  # type: ignore[call-overload, no-any-return]  # a file may say any word


def _changes(touch: Touch, packet: Packet) -> tuple[tuple[str, str, str], ...]:
    if not touch.edited:
        return ()
    before = packet.data if touch.original is None else touch.original
    after = packet.data if touch.became is None else touch.became
    opener = Opener(asked=packet.asked, secrets=() if packet.secret is None else (packet.secret,))
    return changed_fields(before, after, opener)


@lru_cache(maxsize=1024)
def changed_fields(before: bytes, after: bytes, opener: Opener) -> tuple[tuple[str, str, str], ...]:
    """Which fields of a datagram differ, with the old and the new value of each; long values are cut short.

    Args:
        before: as it came.
        after: as it went.
        opener: what opens it.
    """
    old = {field.name: field.text for field in fields_of(before, opener)}
    new = {field.name: field.text for field in fields_of(after, opener)}
    names = [name for name in dict.fromkeys((*old, *new)) if old.get(name) != new.get(name)]
    told = [name for name in names if name not in _SPOKEN] or [name for name in names if name != "raw"] or names
    return tuple((name, _short(old.get(name, "–")), _short(new.get(name, "–"))) for name in told)


def _short(text: str) -> str:
    """A value, the middle of a long one left out."""
    shown = safe_text(text) or "(empty)"
    return shown if len(shown) <= 30 else f"{shown[:12]}…{shown[-8:]}"


def _asked(message: FlowMessage | None) -> Request | None:
    """What a response answers, as far as its layout depends on it: the command."""
    if message is None or message.kind != "response":
        return None
    for names, internal in ((Command.__members__, False), (InternalCommand.__members__, True)):
        if message.command in names:
            return Request(message.tid, message.dst, int(names[message.command]), internal=internal)
    return None
