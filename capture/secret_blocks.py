"""Decryption-secrets blocks: which of them are key logs of ours, and what the others are.

A pcapng may hold secrets of other protocols beside ours, as `editcap --inject-secrets` writes them. They are not
parsed as a key log: each of their lines would count as malformed.

Source: draft-ietf-opsawg-pcapng, section Decryption Secrets Block.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from capture.frames import SecretsBlock
from capture.keylog import SECRETS_TYPE

_NAMES: Final = {
    0x544C534B: "TLS",
    0x5353484B: "SSH",
    0x57474B4C: "WireGuard",
    0x5A4E574B: "ZigBee network",
    0x5A415053: "ZigBee application",
    0x55414F50: "OPC UA",
}


def key_logs(blocks: Sequence[SecretsBlock]) -> list[bytes]:
    """The texts of the blocks that hold key logs of ours."""
    return [block.data for block in blocks if block.type == SECRETS_TYPE]


def others(blocks: Sequence[SecretsBlock]) -> list[str]:
    """What the other blocks are, one sentence for each type."""
    counts = Counter(block.type for block in blocks if block.type != SECRETS_TYPE)
    return [
        f"{count} decryption-secrets block{'s' if count > 1 else ''} with {_NAMES.get(type_, 'other')} keys"
        f" (type 0x{type_:08x}), which open nothing here, left alone"
        for type_, count in counts.items()
    ]
