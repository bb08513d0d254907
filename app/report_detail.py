"""The lines that ``report -v`` adds to an attempt: keys, NAT evidence, rounds, probes and messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from app.draw import terms
from app.terminal_text import pad, safe_text
from app.wording import error_name
from capture.model import Flow, FlowMessage, NatEvidence, Probes, Role, Round, Sighting
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
