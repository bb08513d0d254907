"""The packets of attempts as a pcapng file: original frames, each with a comment that says what it is."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from app.draw import saying
from app.terminal_text import safe_text
from capture.keylog import Label, Secret, format_secrets
from capture.model import Flow, Sighting
from capture.notes import NO_NOTES, Notes, PacketId
from capture.pcapng_comments import ATTEMPT, OURS, shown_comment
from capture.pcapng_writer import write_pcapng
from capture.table import PacketTable

SEEN_AGAIN: Final = ", seen again"
"""What tells a copy of a packet from its first sighting."""


def pcapng_export(
    table: PacketTable,
    flows: Flow | Sequence[Flow],
    *,
    secrets: bool = False,
    notes: Notes = NO_NOTES,
    lines: Iterable[Secret] = (),
) -> bytes:
    """Attempts as a pcapng file. Every sighting of their packets is in it, copies included.

    What the user says of a packet is a comment of its own, before the one that says what it is; those on attempts are
    comments on the section.

    Args:
        table: where the packets are.
        flows: an attempt, or several.
        secrets: whether to add a decryption-secrets block with the attempts' key log lines.
        notes: what the user says of them.
        lines: key log lines that are no secrets, as those of masked attempts.
    """
    flows = (flows,) if isinstance(flows, Flow) else flows
    said: dict[int, tuple[str, ...]] = {}
    for flow in flows:
        comments = packet_comments(flow)
        proof = flow.key.proof
        if proof is not None and proof.row not in comments:
            comments[proof.row] = "gives the server's public key"
        for row, words in (copies_of(table, comments) | comments).items():
            before = said.get(row, ())
            said[row] = before if OURS + words in before else (*before, OURS + words)
    for row, told in said.items():
        comment = notes.on(PacketId(int(table.file[row]), int(table.frame[row])))
        if comment:
            said[row] = (shown_comment(comment), *told)
    sections: list[str] = []
    for flow in flows:
        sections.append(OURS + safe_text(f"hole-punch attempt {flow.id}: {flow.verdict.code}: {flow.verdict.summary}"))
        if notes.on_attempt(flow.id):
            sections.append(f"{ATTEMPT} {flow.id}: {shown_comment(notes.on_attempt(flow.id))}")
    log = [*lines, *(secret for flow in flows if secrets for secret in attempt_secrets(flow))]
    block = format_secrets(log).encode("ascii") if log else None
    target = io.BytesIO()
    write_pcapng(target, table, sorted(said), comment=sections, comments=said, secrets=block)
    return target.getvalue()


def packet_comments(flow: Flow) -> dict[int, str]:
    """What each packet of the attempt is, by its row in the packet table."""
    said: dict[int, list[str]] = {}
    for sighting, words in _sayings(flow):
        told = said.setdefault(sighting.row, [])
        if words not in told:
            told.append(words)
    return {row: safe_text("; ".join(words)) for row, words in said.items()}


def copies_of(table: PacketTable, comments: Mapping[int, str]) -> dict[int, str]:
    """Further sightings of the packets, with the comments of the first."""
    import numpy as np

    primary = table.copy_of
    again = np.flatnonzero(np.isin(primary, np.fromiter(comments, np.int64, len(comments))))
    return {int(row): comments[int(primary[row])] + SEEN_AGAIN for row in again}


def attempt_secrets(flow: Flow) -> list[Secret]:
    """The key log lines that open this attempt's holepunch payloads."""
    attempt = bytes.fromhex(flow.id)
    known = (
        (Label.SERVER_PUBLIC_KEY, flow.key.server_public_key),
        (Label.HOLEPUNCH_SECRET, flow.key.holepunch_secret),
    )
    return [Secret(label, attempt, value) for label, value in known if value is not None]


def _sayings(flow: Flow) -> Iterator[tuple[Sighting, str]]:
    for message in flow.messages:
        mode = f" {message.mode}" if message.mode else ""
        reply = " reply" if message.kind == "response" and message.mode is None else ""
        again = ", retransmission" if message.retransmission else ""
        roles = f"{message.from_role} → {message.to_role}"
        words = f"{message.command}{mode}{reply}, {roles}{_round(flow, message.round)}{again}"
        yield message.sighting, words
        for copy in message.copies:
            yield copy, f"{words}{SEEN_AGAIN}"
    for step in flow.steps:
        if step.message is None:
            for member in step.members or ((step.sighting,) if step.sighting else ()):
                hit = ", got through" if member == step.first_hit else ""
                yield member, f"{step.kind}, {step.from_lane} → {step.to_lane}{hit}"
        for note in step.notes:
            if step.sighting is not None:
                yield step.sighting, note.text
    for evidence in flow.verdict.evidence:
        yield evidence.sighting, f"proves {flow.verdict.code}: {evidence.says}"


def _round(flow: Flow, index: int | None) -> str:
    return "" if index is None or index >= len(flow.rounds) else f", {saying.round_titles(flow.rounds[index])[-1]}"
