"""Attempts as a recording: their packets in every capture that shows them, with notes and names."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from app.export_pcapng import attempt_secrets, copies_of, packet_comments
from capture.keylog import KeyLog, Secret
from capture.model import Flow
from capture.notes import NO_NOTES, Notes, PacketId
from capture.recording.writing import write_recording
from capture.table import PacketTable

if TYPE_CHECKING:
    from capture.story import Keys, Story


def recording_export(
    table: PacketTable,
    flows: Sequence[Flow],
    *,
    secrets: bool = False,
    notes: Notes = NO_NOTES,
    names: Mapping[str, str] | None = None,
    lines: Iterable[Secret] = (),
) -> bytes:
    """Attempts as a recording.

    Args:
        table: where the packets are.
        flows: the attempts.
        secrets: whether to add their key log lines.
        notes: what the user says of the session; what concerns these attempts goes in.
        names: of addresses and keys.
        lines: key log lines that are no secrets, as those of masked attempts.
    """
    rows = {row for flow in flows for row in rows_of(table, flow)}
    packets = [PacketId(int(table.file[row]), int(table.frame[row])) for row in rows]
    wanted = notes.about((flow.id for flow in flows), packets)
    log = [*lines, *(secret for flow in flows if secrets for secret in attempt_secrets(flow))]
    out = io.BytesIO()
    write_recording(out, table, sorted(rows), notes=wanted, names=names, secrets=log)
    return out.getvalue()


def rows_of(table: PacketTable, flow: Flow) -> set[int]:
    """Rows of all sightings of an attempt's packets, and of the one that gives its key."""
    said = packet_comments(flow)
    proof = set() if flow.key.proof is None else {flow.key.proof.row}
    return said.keys() | copies_of(table, said).keys() | proof


def keys_to_record(story: Story, keys: Keys) -> tuple[list[Secret], list[bytes]]:
    """Key log lines and public keys that open in a recording what opens in a story.

    Those of every attempt are made of what opened it; lines of key logs and of decryption-secrets blocks go in as they
    are.
    """
    from capture.keylog_files import read_keylog

    lines = [secret for flow in story.flows for secret in attempt_secrets(flow)]
    for path in keys.keylogs:
        lines += read_keylog(path).secrets()
    for file in story.table.files:
        for block in file.secrets:
            lines += KeyLog.parse(block).secrets()
    known = {(line.label, line.attempt, line.value): line for line in lines}
    return list(known.values()), list(keys.public_keys)
