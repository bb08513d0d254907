"""Held messages as rows of a list, with ages and countdowns; rules as rows; and the line that says how it stands."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from app.draw import terms
from app.draw.packet_summary import Summary, summarise
from app.draw.spans import Line, Span, Tone, cell, width_of
from app.intercept_status import Countdown, HeldMessage, InterceptStatus, RuleStatus, TouchedMessage, Version
from app.terminal_text import cell_width, clip, safe_text
from app.wording import counted, grouped
from protocol.editing.datagrams import take_apart
from protocol.editing.values import Draft, Opener
from protocol.messages import Holepunch

HELD: Final = "‖"
"""Something that waits for a person."""
EDITED: Final = "✎"
DUE: Final = "◷"
SOON: Final = 1.0
"""Seconds from which on a countdown is urgent."""
_BOTH_ENDS: Final = 110
"""Columns from which a row has both addresses."""
_LABELLED: Final = 150
"""Columns from which a row also says why it is held."""


def intercept_line(status: InterceptStatus | None, nothing: str, width: int) -> Line:
    """The state of the interceptor on one line.

    Args:
        status: how it is; None where nothing can be held.
        nothing: says why then.
        width: cells.
    """
    head = Span(" intercept ", Tone.KEY)
    if status is None:
        return (head, Span(clip(f" {nothing}", width - 11), Tone.WARN))
    switch = Span(" ● on  " if status.on else " ○ off ", Tone.GOOD if status.on else Tone.DIM)
    rules = sum(rule.on for rule in status.rules)
    counts = terms.joined(
        (
            f"{len(status.held)} held",
            counted(rules, "rule") if status.rules else "",
            f"{grouped(status.passed)} passed",
            f"! {grouped(status.overflowed)} let go" if status.overflowed else "",
        )
    )
    room = width - width_of((head, switch)) - cell_width(counts) - 3
    shown = clip(safe_text(status.expression) or "no expression: i says what to hold", max(0, room))
    between = " " * max(1, room - cell_width(shown) + 1)
    tone = Tone.STRONG if status.expression else Tone.DIM
    counts_tone = Tone.WARN if status.held or status.overflowed else Tone.DIM
    return (head, switch, Span(f" {shown}", tone), Span(between), Span(counts, counts_tone))


def ends_width(shown: Iterable[HeldMessage | TouchedMessage], width: int) -> int:
    """Cells that the ends of messages take in a row of so many cells; the rest is for what they say."""
    texts = (_ends_text(one.now or one.was, one.sent, width) for one in shown)
    return 2 + max((cell_width(text) for text in texts), default=0)


def held_head(width: int, ends: int) -> Line:
    """What the columns of the list are, with so many cells for both ends."""
    spans = [
        Span("   "),
        cell("#", 5, Tone.DIM, right=True),
        Span("  "),
        cell("age", 8, Tone.DIM, right=True),
        Span("  "),
    ]
    spans.append(cell("from, to" if width >= _BOTH_ENDS else "with", ends, Tone.DIM))
    label = _label_width(width)
    rest = width - width_of(tuple(spans)) - label
    spans.append(cell("message", max(8, rest), Tone.DIM))
    if label:
        spans.append(cell("held by", label, Tone.DIM))
    return tuple(spans)


def held_line(held: HeldMessage, width: int, ends: int, again_of: int | None = None) -> Line:
    """A held message: age, ends, what it says, what the protocol does next.

    Args:
        held: it.
        width: cells.
        ends: cells of them for its ends.
        again_of: number of the held message that it repeats, if it repeats one.
    """
    mark = Span(EDITED if held.edited else HELD, Tone.WARN)
    next_ = next((one for one in held.countdowns if one.due >= 0), None)
    text = _said(held.now, held.opener)
    if again_of is not None:
        text = text._replace(text=f"↻ #{again_of} again · {text.text}", tone=Tone.DIM)
    soon = ""
    if any(one.final and one.due < 0 for one in held.countdowns):
        # What comes after that does not help: whoever asked has stopped listening.
        soon, next_ = f"  {DUE} given up", None
    elif next_ is not None:
        soon = f"  {DUE} {'~' if next_.estimated else ''}{next_.due:.1f} s"
    return _row(mark, held.number, held.age, held.now, held.sent, text, soon, next_, held.label, width, ends)


def touched_line(touched: TouchedMessage, now: float, width: int, ends: int) -> Line:
    """A message on its way again: what was done to it, and when; with so many cells for its ends."""
    changed = touched.now is not None and touched.now != touched.was
    mark = Span(EDITED if changed else "✕" if touched.now is None else "→", Tone.DIM)
    text = _said(touched.now or touched.was, touched.opener)
    fate = f"  {safe_text(touched.fate)}"
    version = touched.now or touched.was
    return _row(
        mark,
        touched.number,
        max(now - touched.at, 0.0),
        version,
        touched.sent,
        text,
        fate,
        None,
        touched.label,
        width,
        ends,
        dim=True,
    )


def _row(
    mark: Span,
    number: int,
    age: float,
    version: Version,
    sent: bool,
    text: Summary,
    after: str,
    next_: Countdown | None,
    label: str,
    width: int,
    ends: int,
    *,
    dim: bool = False,
) -> Line:
    plain = Tone.DIM if dim else Tone.PLAIN
    spans = [mark, Span("  "), cell(str(number), 5, plain, right=True), Span("  ")]
    spans += [cell(age_text(age), 8, plain if dim else Tone.WARN, right=True), Span("  ")]
    spans.append(cell(_ends_text(version, sent, width), ends, plain))
    label_width = _label_width(width)
    rest = width - width_of(tuple(spans)) - label_width - cell_width(after)
    spans.append(cell(text.text, max(8, rest), plain if dim else text.tone))
    spans.append(Span(after, Tone.DIM if next_ is None else countdown_tone(next_)))
    if label_width:
        spans.append(cell(f"  {safe_text(label)}", label_width, Tone.DIM))
    return tuple(spans)


def age_text(seconds: float) -> str:
    """How long ago, in tenths of a second up to a minute."""
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60):02d}"


def countdown_tone(countdown: Countdown) -> Tone:
    """How urgent it is."""
    return Tone.BAD if countdown.due < SOON else Tone.WARN


def rule_line(rule: RuleStatus, width: int) -> Line:
    """A rule: on or off, how often it was applied, what it matches and does."""
    mark = "[x]" if rule.on else "[ ]"
    hits = grouped(rule.hits) + ("" if rule.left is None else f", {grouped(rule.left)} left")
    tone = Tone.PLAIN if rule.on else Tone.DIM
    name_width = max(12, min(28, width // 4))
    spans = (
        Span(f"{mark} ", Tone.GOOD if rule.on else Tone.DIM),
        cell(safe_text(rule.name), name_width, Tone.STRONG if rule.on else Tone.DIM),
        Span(" "),
        cell(hits, 14, Tone.WARN if rule.hits else Tone.DIM, right=True),
        Span("  "),
    )
    said = terms.joined((safe_text(rule.does), f"if {safe_text(rule.match)}", safe_text(rule.origin)))
    return (*spans, Span(clip(said, max(8, width - width_of(spans))), tone))


def rules_head(width: int) -> Line:
    """What the columns of the rules are."""
    name_width = max(12, min(28, width // 4))
    return (
        Span("    "),
        cell("rule", name_width + 1, Tone.DIM),
        cell("applied", 14, Tone.DIM, right=True),
        Span("  does", Tone.DIM),
    )


def said_of(version: Version, opener: Opener) -> str:
    """What a datagram is, in a few words."""
    return _said(version, opener).text


@lru_cache(maxsize=2048)
def _said(version: Version, opener: Opener) -> Summary:
    parts = take_apart(Draft(version.data, version.to), opener)
    sealed = isinstance(parts.value, Holepunch) and parts.payload is None
    reason = "its key is not known" if sealed else ""
    return summarise(version.data, len(version.data), version.ttl or 0, opener.asked, parts.payload, reason)


def _label_width(width: int) -> int:
    return width // 4 if width >= _LABELLED else 0


def _ends_text(version: Version, sent: bool, width: int) -> str:
    """Both ends; where there is little room, the far one alone, with the direction."""
    if width >= _BOTH_ENDS:
        way = "→ out" if sent else "← in "
        return f"{way} {terms.address(version.source)} → {terms.address(version.to)}"
    return f"→ {terms.address(version.to)}" if sent else f"← {terms.address(version.source)}"
