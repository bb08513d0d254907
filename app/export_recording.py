"""Attempts as a recording: their packets in every capture that shows them, with notes and names."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence

from app.export_pcapng import attempt_secrets, copies_of, packet_comments
from capture.keylog import Secret
from capture.model import Flow
from capture.notes import NO_NOTES, Notes, PacketId
from capture.recording.writing import write_recording
from capture.table import PacketTable


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
    rows: set[int] = set()
    for flow in flows:
        said = packet_comments(flow)
        rows |= said.keys() | copies_of(table, said).keys()
        if flow.key.proof is not None:
            rows.add(flow.key.proof.row)
    packets = [PacketId(int(table.file[row]), int(table.frame[row])) for row in rows]
    wanted = notes.about((flow.id for flow in flows), packets)
    log = [*lines, *(secret for flow in flows if secrets for secret in attempt_secrets(flow))]
    out = io.BytesIO()
    write_recording(out, table, sorted(rows), notes=wanted, names=names, secrets=log)
    return out.getvalue()
