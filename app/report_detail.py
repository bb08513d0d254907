"""The lines that ``report -v`` adds to an attempt: keys, NAT evidence, rounds, probes and messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from app.draw import terms
from app.draw.verdict import error_words
from app.terminal_text import pad, safe_text
from app.wording import error_name
from capture.candidate_list import Candidate
from capture.model import Flow, FlowMessage, NatEvidence, Probes, Role, Round, Sighting
from capture.token_life import TokenEvent
from protocol.messages import HolepunchPayload

FrameName = Callable[[Sighting], str]
"""How to name a packet: its frame, and its file where there are several."""


def detail_lines(flow: Flow, frame: FrameName) -> Iterator[str]:
    """All that is known of an attempt, as plain lines; those of messages are never folded.

    Args:
        flow: the attempt.
        frame: how to name a packet.
    """
    yield ""
    yield f"id           {flow.id}"
    yield f"target       {flow.target.hex()}"
    key = flow.key
    if key.server_public_key is not None:
        yield f"key          {key.server_public_key.hex()} ({key.source or 'unknown'})"
    if key.holepunch_secret is None:
        yield f"sealed       {safe_text(key.reason) or 'no key'}"
    for lane in flow.lanes:
        inside = f" (inside {terms.joined(map(terms.address, lane.inside), ', ')})" if lane.inside else ""
        title = "relay" if lane.role is Role.RELAY else lane.title
        yield f"{title:12} {terms.joined(map(terms.address, lane.addresses[:8]), ', ')}{inside}"
    for side, nat in (("client", flow.client_nat), ("server", flow.server_nat)):
        if nat is not None:
            yield from _nat_lines(side, nat, frame)
    for one in flow.rounds:
        yield from _round_lines(one)
    for side, probes in (("client", flow.client_probes), ("server", flow.server_probes)):
        if probes != Probes():
            yield f"probes       {side} sent {probes.low_ttl} low-TTL and {probes.normal} normal, {probes.ports} ports"
    yield (
        f"tokens       client's {terms.TOKEN_WORD[flow.client_token]}, server's {terms.TOKEN_WORD[flow.server_token]}"
    )
    for event in flow.token_events:
        yield f"             {_token_words(flow, event, frame)}"
    for candidate in flow.candidates:
        yield f"candidate    {_candidate_words(flow, candidate)}"
    if flow.course is not None and flow.course.stages:
        took = ("open" if one.ended is None else terms.seconds(one.ended - one.started) for one in flow.course.stages)
        stages = (f"{one.stage} {words}" for one, words in zip(flow.course.stages, took, strict=True))
        yield f"stages       {terms.joined(stages, ', ')}"
    for sentence in error_words(flow):
        yield f"error        {safe_text(sentence)}"
    yield ""
    for message in flow.messages:
        yield message_line(flow, message, frame)
    for note in flow.notes:
        yield f"note         {safe_text(note)}"


def message_line(flow: Flow, message: FlowMessage, frame: FrameName) -> str:
    """One dht-rpc message in one line."""
    name = message.command if message.mode is None else f"{message.command} {message.mode}"
    arrow = "⇢" if message.kind == "response" else "→"
    roles = f"{message.from_role} {arrow} {message.to_role}"
    again = "  again" if message.retransmission else ""
    return (
        f"{frame(message.sighting):8} {message.time - flow.started:9.6f}  {pad(roles, 32)}"
        f"  {pad(name, 27)} tid {message.tid:<5}"
        f"  {terms.address(message.src)} {arrow} {terms.address(message.dst)}{again}"
    )


def _token_words(flow: Flow, event: TokenEvent, frame: FrameName) -> str:
    issuer, other = ("server", "client") if event.by_server else ("client", "server")
    what = f"{other} echoes the {issuer}'s" if event.echo else f"{issuer} issues one"
    host = "" if event.address is None else f" {'from' if event.echo else 'for'} {terms.host(event.address)}"
    checked = {None: "", True: ", recomputed", False: ", not what its secret makes"}[event.recomputed]
    return f"{frame(event.sighting):7} {what}{host} at {event.time - flow.started:.6f}: {event.state}{checked}"


def _candidate_words(flow: Flow, one: Candidate) -> str:
    whose = "server" if one.of_server else "client"
    return terms.joined(
        (
            f"{whose} {terms.any_port(one.address)}",
            str(one.state),
            "/".join(one.sources),
            f"sent {one.sent.low_ttl} low-TTL and {one.sent.normal} normal",
            f"{one.sent.pings} pings" if one.sent.pings else "",
            f"received {one.received.count}" if one.received.count else "",
            "" if one.verified is None else f"verified at {one.verified - flow.started:.6f}",
            f"{one.unproven} before that" if one.unproven else "",
        )
    )


def _nat_lines(side: str, nat: NatEvidence, frame: FrameName) -> Iterator[str]:
    yield (
        f"NAT          {side} says {terms.firewall(nat.announced)}, samples say {terms.firewall(nat.classified)}:"
        f" {safe_text(nat.rule)}"
    )
    for sample in nat.samples:
        yield (
            f"             {frame(sample.sighting):7} {terms.address(sample.seen_by)} sees"
            f" {terms.address(sample.socket)} as {terms.address(sample.seen_as)}"
        )


def _round_lines(one: Round) -> Iterator[str]:
    number = "?" if one.round is None else str(one.round)
    kind = "sealed" if one.punching is None else "punch" if one.punching else "probe"
    answer = "unanswered" if one.answered is None else f"answered after {one.answered - one.sent:.3f} s"
    again = f", sent {one.retransmissions + 1} times" if one.retransmissions else ""
    yield f"round {number:6} {kind} over {terms.address(one.relay)}, tid {one.tid}, {answer}{again}"
    for side, payload, reason in (("client", one.request, one.request_reason), ("server", one.reply, one.reply_reason)):
        if payload is not None:
            yield f"             {side}: {_payload_words(payload)}"
        elif reason:
            yield f"             {side}: {safe_text(reason)}"


def _payload_words(payload: HolepunchPayload) -> str:
    return terms.joined(
        (
            error_name(payload.error) if payload.error else "",
            terms.firewall(payload.firewall),
            "punching" if payload.punching else "",
            "connected" if payload.connected else "",
            "at " + ", ".join(map(terms.address, payload.addresses)) if payload.addresses else "",
            f"opened {terms.address(payload.remote_address)}" if payload.remote_address else "",
            f"token {terms.key(payload.token)}" if payload.token else "",
            f"echo {terms.key(payload.remote_token)}" if payload.remote_token else "",
        )
    )
