"""What a step says: labels for its arrow, from long to short, and a remark for a wide ladder's margin."""

from __future__ import annotations

import re

from app.draw import terms
from app.draw.spans import Tone
from app.terminal_text import safe_text
from app.wording import counted, error_name
from capture.model import Flow, FlowMessage, Note, Outcome, Round, Step, StepKind
from protocol.messages import HolepunchPayload

KIND_TONE = {
    StepKind.FIND_PEER: Tone.FIND,
    StepKind.HANDSHAKE: Tone.HANDSHAKE,
    StepKind.SAMPLE: Tone.SAMPLE,
    StepKind.OPENER: Tone.PUNCH,
    StepKind.PROBE: Tone.PROBE,
    StepKind.PUNCH_ROUND: Tone.PROBE,
    StepKind.ABORT: Tone.BAD,
    StepKind.PUNCH: Tone.PUNCH,
    StepKind.LAN_PING: Tone.SAMPLE,
    StepKind.STREAM: Tone.STREAM,
    StepKind.HANDOFF: Tone.HANDSHAKE,
    StepKind.MISSING: Tone.BAD,
    StepKind.RELAY_LINK: Tone.STREAM,
}
"""Colour by phase."""

_COUNTED = re.compile(r" ×\d.*$")
"""A count at the end of a label; the burst's own words say it better."""
_HEARTBEATS = re.compile(r"\((\d+ heartbeats?)\)")
_CAN_VERIFY = re.compile(r"(.+) can now verify that the (.+)'s address is correct")
_EXPECTED = " expected here, none seen"


def awaited(flow: Flow, step: Step, now: float | None) -> bool:
    """Whether a missing entry may still come. Of an attempt that has failed nothing is awaited any more.

    Args:
        flow: the attempt.
        step: a step of it.
        now: when the newest packet of the source came, epoch seconds; None where nothing more will come.
    """
    return step.due is not None and now is not None and now < step.due and flow.outcome is not Outcome.FAILED


def message_of(flow: Flow, step: Step) -> FlowMessage | None:
    """The dht-rpc message of a step that is one."""
    return None if step.message is None else flow.messages[step.message]


def holepunch_of(flow: Flow, step: Step) -> HolepunchPayload | None:
    """What the sealed payload of a PEER_HOLEPUNCH leg says, where it could be opened."""
    message = message_of(flow, step)
    if message is None or message.mode is None or step.round is None or step.round >= len(flow.rounds):
        return None
    asked = message.mode in {"FROM_CLIENT", "FROM_RELAY", "FROM_SECOND_RELAY"}
    one = flow.rounds[step.round]
    return one.request if asked else one.reply


def labels(flow: Flow, step: Step) -> list[str]:
    """Texts for the arrow, the most telling first; a drawing takes the first that fits.

    A retransmission is marked ``↻`` in each of them.
    """
    message = message_of(flow, step)
    full = safe_text(step.label)
    if step.kind is StepKind.HANDOFF:
        found = [full, full.rpartition(" ")[2], "hand-off"]
    elif step.count > 1 or step.kind is StepKind.SAMPLE:
        found = _burst_labels(step, full)
    elif step.kind is StepKind.MISSING:
        what = full.removesuffix(_EXPECTED)
        found = [full, f"{what}: none seen", f"no {what}", "none seen", "missing"]
    elif message is not None and message.mode is not None:
        name = message.command.removeprefix("PEER_")
        found = [f"{name} {message.mode}", name, f"{name[:5]}…"]
        payload = holepunch_of(flow, step)
        if payload is not None:
            words = holepunch_words(payload)
            whole = " ".join(words)
            found = [f"{name} {message.mode} {whole}"]
            found += [" ".join((name, *words[:number])) for number in range(len(words), -1, -1)]
            found.append(f"{name[:5]}…")
    elif step.kind is StepKind.OPENER:
        ttl = f"TTL {step.ttl}" if step.ttl is not None and "TTL" not in full else ""
        found = [f"{full} {ttl}".rstrip(), f"open {ttl}".rstrip(), "open"]
    else:
        found = [full]
        if message is not None and message.command not in full:
            found = [f"{message.command} {full}".rstrip(), *found]
        found.append(full.rpartition(" ")[2])
    return [f"↻ {text}" for text in found] if step.retransmission else found


def holepunch_words(payload: HolepunchPayload) -> list[str]:
    """The gist of a holepunch payload, for an arrow, the most important word first."""
    words = [error_name(payload.error) if payload.error else terms.firewall(payload.firewall)]
    words += ["punching"] if payload.punching else []
    words += ["+token"] if payload.token is not None else []
    words += ["+echo"] if payload.remote_token is not None else []
    return words


def note_forms(note: Note) -> list[str]:
    """A note, from long to short."""
    text = safe_text(note.text)
    short = _CAN_VERIFY.sub(r"\1 verifies the \2's address", text)
    return list(dict.fromkeys((text, short)))


def remark(flow: Flow, step: Step) -> str:
    """What the step says beyond its label, for the margin of a wide ladder."""
    message = message_of(flow, step)
    if step.count > 1 or step.kind in {StepKind.OPENER, StepKind.PUNCH}:
        return _datagram_words(step)
    if message is None:
        return ""
    payload = holepunch_of(flow, step)
    if payload is not None:
        addresses = ", ".join(terms.address(one) for one in payload.addresses or ())
        return terms.joined(
            (
                f"round {payload.round}",
                f"at {addresses}" if addresses else "",
                f"token {terms.key(payload.token, 3)}" if payload.token else "",
                f"echoes {terms.key(payload.remote_token, 3)}" if payload.remote_token else "",
            )
        )
    if message.payload is not None and message.payload.plaintext is None:
        return "sealed: " + safe_text(message.payload.reason) if message.payload.reason else "sealed"
    return f"tid {message.tid}"


def round_titles(one: Round) -> tuple[str, ...]:
    """Headings for the legs of one round, from long to short."""
    number = "?" if one.round is None else str(one.round)
    if one.request is not None and one.request.error:
        kind = f"client says {error_name(one.request.error)}"
    elif one.punching is None:
        kind = "sealed"
    else:
        kind = "punch" if one.punching else "probe"
    start = f"round {number} · {kind}"
    return (
        terms.joined((start, *_round_words(one, short=False))),
        terms.joined((start, *_round_words(one, short=True))),
        terms.joined((start, _round_gist(one))),
        start,
    )


def _round_words(one: Round, *, short: bool) -> list[str]:
    """What both sides said in a round."""
    said = []
    for side, payload in (("client", one.request), ("server", one.reply)):
        if payload is None:
            continue
        if not payload.error:
            said.append(f"{side} {terms.firewall(payload.firewall, short=short)}")
        elif side == "server":
            said.append(f"server says {error_name(payload.error)}")
    if one.reply is None and one.answered is None:
        said.append("no reply")
    return said


def _round_gist(one: Round) -> str:
    """Both firewall classes in the fewest words."""
    if one.reply is not None and one.reply.error and not (one.request is not None and one.request.error):
        return f"server says {error_name(one.reply.error)}"
    if one.request is None or one.reply is None or one.request.error:
        return "no reply" if one.reply is None and one.answered is None else ""
    return f"{terms.firewall(one.request.firewall, short=True)} × {terms.firewall(one.reply.firewall, short=True)}"


def _burst_labels(step: Step, full: str) -> list[str]:
    base = _COUNTED.sub("", full)
    if step.kind is StepKind.SAMPLE:
        first = full.partition(" · ")[0]
        return [full, base, *([first] if first != full else []), counted(step.count, "sample"), "samples"]
    times = "" if re.search(rf"\b{step.count}\b", base) else f"×{step.count}"
    name = f"{base} {times}".rstrip()
    span = f"{step.span:.1f} s" if step.span >= 0.05 else ""
    ports = f"{step.ports} ports" if step.ports > 1 else ""
    hit = f"hit #{step.first_hit.frame}" if step.first_hit else "none hit" if step.lost else ""
    ttl = f"TTL {step.ttl}" if step.ttl is not None and "TTL" not in base else ""
    if step.kind is StepKind.OPENER:
        hit = ""
    beats = _HEARTBEATS.search(full)
    found: list[tuple[str, ...]] = [(name, beats[1], span, ttl)] if beats else []
    found += [(name, span, ports, ttl, hit), (name, span, ports, hit), (name, ports, hit), (name, hit), (name, span)]
    found += [(name,), (name.partition(",")[0],)]
    found += [(f"×{step.count}", span, hit), (f"×{step.count}", hit), (f"×{step.count}",)]
    return [terms.joined(parts) for parts in found]


def _datagram_words(step: Step) -> str:
    ends = f"{terms.address(step.src)} → {terms.address(step.dst)}" if step.src and step.dst else ""
    if step.count == 1:
        return terms.joined((ends, f"TTL {step.ttl}" if step.ttl is not None else ""))
    hit = f"first hit #{step.first_hit.frame}" if step.first_hit else ""
    return terms.joined((f"{step.count} datagrams", f"{step.span:.3f} s", hit))
