"""The lines that nodes wrote into their logs: reading, finding, and naming as the project names things."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Event = dict[str, Any]
FIREWALL = ("UNKNOWN", "OPEN", "CONSISTENT", "RANDOM")


def blake2b(message: bytes, size: int) -> bytes:
    """BLAKE2b with a digest of `size` bytes."""
    return hashlib.blake2b(message, digest_size=size).digest()


def flow_id(noise: str) -> str:
    """The id of an attempt: first 8 bytes of BLAKE2b-256 of noise message 1 (hex in, hex out)."""
    return blake2b(bytes.fromhex(noise), 32)[:8].hex()


def named(value: Any) -> Any:
    """Names in snake_case, addresses as `host:port`, firewalls by name."""
    if isinstance(value, list):
        return [named(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "host" in value and "port" in value and value.keys() <= {"host", "port", "id", "hits"}:
        return f"{value['host']}:{value['port']}"
    renamed = {
        re.sub(r"(?<=[a-z])[A-Z]", lambda hump: "_" + hump[0].lower(), key): named(each) for key, each in value.items()
    }
    if isinstance(renamed.get("firewall"), int):
        renamed["firewall"] = FIREWALL[renamed["firewall"]]
    return renamed


def read_logs(folder: Path) -> dict[str, list[Event]]:
    """All events by node, in the order in which the node wrote them."""
    logs = {}
    for path in sorted(folder.glob("*.jsonl")):
        logs[path.stem] = [json.loads(line) for line in path.read_text().splitlines()]
    return logs


def first(events: Iterable[Event], event: str, **fields: Any) -> Event | None:
    """The first event of this name with these fields."""
    for each in events:
        if each["event"] == event and all(each.get(key) == value for key, value in fields.items()):
            return each
    return None


def every(events: Iterable[Event], *names: str, where: Callable[[Event], bool] = lambda _: True) -> list[Event]:
    """All events of these names for which `where` holds."""
    return [each for each in events if each["event"] in names and where(each)]
