"""What each capture of a run holds of each attempt, counted by plain means: searching for bytes, and for one-byte
datagrams between the addresses of both peers. Shares no code with the project's own readers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .topology import Network

ETHERNET, RAW, SLL2 = 1, 101, 276
LOW_TTL = 5
LISTED_PORTS = 4
AFTERWARDS = 1.0
"""Seconds after its end in which a datagram still belongs to an attempt."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A one-byte datagram: when, between which hosts and ports, TTL as captured."""

    time: float
    source: str
    destination: str
    source_port: int
    port: int
    ttl: int


def _packets(blob: bytes) -> Iterator[tuple[float, bytes]]:
    """Time and IPv4 packet of every frame of a little-endian microsecond pcap, as tcpdump writes it here.

    Of a capture on all devices, only what came in: each datagram that a router forwards comes in once.
    """
    magic, link = struct.unpack_from("<I", blob)[0], struct.unpack_from("<I", blob, 20)[0]
    if magic != 0xA1B2C3D4:
        raise ValueError("not a pcap that tcpdump made on this machine")
    at = 24
    while at < len(blob):
        seconds, micros, size, _ = struct.unpack_from("<IIII", blob, at)
        frame = blob[at + 16 : at + 16 + size]
        at += 16 + size
        if link == SLL2:
            if frame[10] == 0:
                yield seconds + micros / 1e6, frame[20:]
        else:
            yield seconds + micros / 1e6, frame[{ETHERNET: 14, RAW: 0}[link] :]


def _probes(blob: bytes) -> list[Probe]:
    found = []
    for time, packet in _packets(blob):
        if packet[9] != 17 or struct.unpack_from(">H", packet, 24)[0] != 9 or packet[28] != 0:
            continue
        source, destination = (".".join(map(str, packet[at : at + 4])) for at in (12, 16))
        source_port, port = struct.unpack_from(">HH", packet, 20)
        found.append(Probe(time, source, destination, source_port, port, packet[8]))
    return found


def _count(probes: list[Probe], sources: set[str], destinations: set[str], start: float, end: float) -> dict[str, Any]:
    mine = [
        each
        for each in probes
        if each.source in sources and each.destination in destinations and start <= each.time <= end
    ]
    low = sum(each.ttl <= LOW_TTL for each in mine)
    return {
        "low_ttl": low,
        "normal": len(mine) - low,
        "ports": len({each.port for each in mine}),
        "source_ports": sorted({each.source_port for each in mine})[:LISTED_PORTS],
    }


def _hosts(network: Network, attempt: dict[str, Any], side: str) -> set[str]:
    place = network.hosts.get(attempt[side]["node"]) if attempt[side] else None
    return {place.inside, place.outside} if place else set()


def _crowded(attempt: dict[str, Any], attempts: list[dict[str, Any]], network: Network) -> bool:
    """Whether another attempt between the same two outside addresses overlaps in time."""
    pair = [_hosts(network, attempt, side) for side in ("client", "server")]
    for other in attempts:
        if other is attempt or other["closed"] is None or attempt["closed"] is None:
            continue
        apart = other["started"] > attempt["closed"] + AFTERWARDS or attempt["started"] > other["closed"] + AFTERWARDS
        both = [_hosts(network, other, side) for side in ("client", "server")]
        if not apart and all(mine & theirs for mine, theirs in zip(pair, both, strict=True)):
            return True
    return False


def look(folder: Path, attempts: list[dict[str, Any]], network: Network) -> dict[str, dict[str, Any]]:
    """Per flow id and capture: what of the attempt is in there.

    Of each: whether noise message 1 and 2 and the server's public key are in it, how many of the payloads that
    were sent, and the probes of each side (None where attempts between the same addresses overlap). Of a capture
    on all devices of a NAT the probes are those of its two sides: sent ones on the inside, others on the outside.
    """
    blobs = {path.stem: path.read_bytes() for path in sorted(folder.glob("*.pcap"))}
    probes = {name: _probes(blob) for name, blob in blobs.items()}
    seen: dict[str, dict[str, Any]] = {}
    for attempt in attempts:
        if attempt["id"] is None:
            continue
        first, second = (bytes.fromhex(attempt["noise"][key] or "") for key in ("message_1", "message_2"))
        wires = {bytes.fromhex(each["wire"]) for each in attempt["payloads"] if each["act"] == "sent"}
        key = bytes.fromhex(attempt["server_public_key"])
        crowded = _crowded(attempt, attempts, network)
        start, end = attempt["started"] - 0.001, (attempt["closed"] or attempt["started"] + 60.0) + AFTERWARDS
        client, server = (_hosts(network, attempt, side) for side in ("client", "server"))

        def sides(
            name: str,
            client: set[str] = client,
            server: set[str] = server,
            window: tuple[float, float] = (start, end),
        ) -> dict[str, dict[str, Any]]:
            return {
                "client": _count(probes[name], client, server, *window),
                "server": _count(probes[name], server, client, *window),
            }

        of_all: dict[str, Any] = {}
        for name, blob in blobs.items():
            counted: dict[str, Any] | None = None
            if not crowded:
                counted = sides(name)
                number = name.rpartition("-")[2] if name[-1].isdigit() else ""
                suffix = f"-{number}" if number else ""
                base = name.removesuffix(suffix)
                if base in ("nat", "server-nat"):
                    inner = "client" if base == "nat" else "server"
                    outer = "server" if base == "nat" else "client"
                    counted = {
                        inner: sides(inner + suffix)[inner],
                        outer: sides(f"{base}-wan{suffix}")[outer],
                    }
            of_all[name] = {
                "noise_1": first in blob,
                "noise_2": bool(second) and second in blob,
                "server_public_key": key in blob,
                "payloads": sum(wire in blob for wire in wires),
                "payloads_sent": len(wires),
                "probes": counted,
            }
        seen[attempt["id"]] = of_all
    return seen
