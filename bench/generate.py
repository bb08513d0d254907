"""Generate a capture of a busy node: ``python -m bench.generate FILE [--packets N] [--format pcap|pcapng] [--seed N]``.

With ``--attempts N``, a capture of nothing but attempts at a relay, an hour long; three in ten of them end early.

60 % dht-rpc, 30 % UDX, 5 % PEER_HANDSHAKE and PEER_HOLEPUNCH in attempts whose keys can be rebuilt (with the few
FIND_PEER, punch and UDX packets that belong to them), 5 % others. Seeded: the same arguments give the same bytes.
"""

from __future__ import annotations

import argparse
import random
import struct
from pathlib import Path
from socket import inet_aton

import numpy as np

from bench.attempts import PEER_PACKETS, attempt
from bench.frames import Bytes, Numbers, address, frames, little_endian, request, response
from protocol.messages import Address

START_S = 1_760_000_000
SPAN_S = 120.0
PEERS = 0.05
US = 0x0B000001
NODES, PORT = 20_000, 49737


class Shapes:
    """Frames of many shapes and their times, to be written in order of time."""

    def __init__(self) -> None:
        self.times: list[np.ndarray] = []
        self.frames: list[Bytes] = []
        self.count = 0

    def add(self, times: np.ndarray, made: Bytes) -> None:
        """Frames of one length."""
        self.times.append(times)
        self.frames.append(made)
        self.count += len(times)


def generate_attempts(attempts: int, seed: int) -> Shapes:
    """All frames of a capture of attempts."""
    shapes = Shapes()
    _add_attempts(shapes, attempts, random.Random(seed), 3600.0, 0.3)
    return shapes


def generate(packets: int, seed: int, span: float = SPAN_S, peers: float = PEERS) -> Shapes:
    """All frames of a capture of `span` seconds; `peers` is the part of PEER_* among them."""
    rng = np.random.default_rng(seed)
    shapes = Shapes()
    attempts = round(packets * peers / PEER_PACKETS)
    _add_attempts(shapes, attempts, random.Random(seed), span)
    # Two of an attempt's packets are other dht-rpc, two UDX and two punches.
    queries = round(packets * (0.60 + PEERS - peers) / 2) - attempts
    streams = round(packets * 0.30) - 2 * attempts
    _add_queries(shapes, queries, rng, span)
    _add_streams(shapes, streams, rng, span)
    _add_others(shapes, packets - shapes.count, rng, span)
    return shapes


def _add_attempts(shapes: Shapes, count: int, rng: random.Random, span: float, ending_early: float = 0.0) -> None:
    by_size: dict[int, tuple[list[float], list[bytes]]] = {}
    for _ in range(count):
        client, server = (_host(rng) for _ in range(2))
        relay = Address("11.0.0.1", PORT)
        start = rng.uniform(0, span - 1)
        packets = list(attempt(rng, client, relay, server))
        if ending_early and rng.random() < ending_early:
            del packets[rng.randrange(6, len(packets)) :]
        for packet in packets:
            times, parts = by_size.setdefault(len(packet.payload), ([], []))
            times.append(start + packet.time)
            ends = struct.pack(
                ">4sH4sHB", inet_aton(packet.src.host), packet.src.port, inet_aton(packet.dst.host), packet.dst.port,
                packet.ttl,
            )  # fmt: skip
            parts.append(ends + packet.payload)
    for times, parts in by_size.values():
        rows = np.frombuffer(b"".join(parts), np.uint8).reshape(len(parts), -1)
        numbers = [_number(rows[:, a:b]) for a, b in ((0, 4), (4, 6), (6, 10), (10, 12), (12, 13))]
        src, sport, dst, dport, ttl = numbers
        shapes.add(np.array(times), frames(rows[:, 13:], src, sport, dst, dport, ttl))


def _number(columns: Bytes) -> Numbers:
    value = np.zeros(len(columns), np.int64)
    for index in range(columns.shape[1]):
        value = value << 8 | columns[:, index]
    return value


def _host(rng: random.Random) -> Address:
    return Address(f"{rng.randrange(12, 100)}.{rng.randrange(256)}.{rng.randrange(256)}.2", rng.randrange(1024, 65535))


def _add_queries(shapes: Shapes, pairs: int, rng: np.random.Generator, span: float) -> None:
    """FIND_NODE, PING, LOOKUP and MUTABLE_GET, each request with its response."""
    kinds = ((0.5, 4 | 8, 2, True, 121), (0.3, 4, 0, False, 0), (0.1, 8, 3, True, 254), (0.1, 8, 7, True, 121))
    done = 0
    for share, flags, command, targeted, answer in kinds:
        count = min(round(pairs * share), pairs - done) if command != 7 else pairs - done
        done += count
        times = rng.uniform(0, span - 0.2, count)
        node = 0x0C000000 + rng.integers(0, NODES, count) * 7
        us, port, theirs = np.full(count, US), np.full(count, PORT), rng.integers(1024, 65536, count)
        tid = rng.integers(0, 65536, count)
        parts = [np.full((count, 1), command, np.uint8)]
        if targeted:
            parts.append(rng.integers(0, 256, (count, 32), dtype=np.uint8))
        asked = request(tid, address(node, theirs), flags, np.concatenate(parts, axis=1))
        shapes.add(times, frames(asked, us, port, node, theirs, np.full(count, 64)))
        body = [rng.integers(0, 256, (count, 32), dtype=np.uint8)]
        answer_flags = 1
        if answer:
            nodes = rng.integers(0, 256, (count, answer), dtype=np.uint8)
            nodes[:, 0] = 20
            if answer > 121:
                nodes[:, 121] = answer - 122
            body.append(nodes)
            answer_flags |= 4 | 16 * (answer > 121)
        answered = response(tid, address(us, port), answer_flags, np.concatenate(body, axis=1))
        back = times + rng.uniform(0.005, 0.15, count)
        ttl = rng.integers(40, 60, count)
        shapes.add(back, frames(answered, node, theirs, us, port, ttl))


def _add_streams(shapes: Shapes, count: int, rng: np.random.Generator, span: float) -> None:
    """Data and acknowledgements of some thousand streams."""
    for size, share in ((1180, 0.4), (20, 0.6)):
        number = round(count * share)
        stream = rng.integers(0, 4000, number)
        body = rng.integers(0, 256, (number, size), dtype=np.uint8)
        body[:, 0:4] = (0xFF, 1, 1 if size > 20 else 0, 0)
        body[:, 4:8] = little_endian(stream * 2654435761 & 0xFFFFFFFF, 4)
        body[:, 8:12] = (0, 0, 1, 0)
        peer, port = 0x0D000000 + stream, 1024 + stream
        us, ours = np.full(number, US), 40000 + stream
        made = frames(body, us, ours, peer, port, np.full(number, 64))
        if size == 20:
            made = frames(body, peer, port, us, ours, np.full(number, 52))
        shapes.add(rng.uniform(0, span, number), made)


def _add_others(shapes: Shapes, count: int, rng: np.random.Generator, span: float) -> None:
    """TCP, ARP, and UDP of other protocols."""
    tcp, arp = count // 2, count // 10
    body = rng.integers(0, 256, (tcp, 500), dtype=np.uint8)
    made = frames(
        body, np.full(tcp, 0x0E000001), np.full(tcp, 443), np.full(tcp, US), np.full(tcp, 50000), np.full(tcp, 55)
    )
    made[:, 23] = 6
    shapes.add(rng.uniform(0, span, tcp), made)
    made = rng.integers(0, 256, (arp, 60), dtype=np.uint8)
    made[:, 12:14] = (8, 6)
    shapes.add(rng.uniform(0, span, arp), made)
    dns = count - tcp - arp
    body = rng.integers(0, 256, (dns, 70), dtype=np.uint8)
    body[:, 0] |= 0x20  # never a first byte of ours
    body[:, 0] &= 0x7F
    hosts = (np.full(dns, US), np.full(dns, 50001), np.full(dns, 0x0E000002), np.full(dns, 53))
    shapes.add(rng.uniform(0, span, dns), frames(body, *hosts, np.full(dns, 64)))


def write(shapes: Shapes, path: Path, container: str) -> None:
    """Write the frames in order of time."""
    times = np.concatenate(shapes.times)
    sizes = np.concatenate([np.full(len(t), f.shape[1]) for t, f in zip(shapes.times, shapes.frames, strict=True)])
    order = np.argsort(times, kind="stable")
    micros = (times * 1e6).astype(np.int64) + START_S * 1_000_000
    if container == "pcap":
        head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
        before, after, padded = 16, 0, sizes
        fixed = np.stack([micros // 1_000_000, micros % 1_000_000, sizes, sizes], axis=1).astype("<u4")
    else:
        head = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
        head += struct.pack("<IIHHII", 1, 20, 1, 0, 262144, 20)
        before, after, padded = 28, 4, (sizes + 3) & ~3
        total = padded + 32
        zero = np.zeros_like(sizes)
        fixed = np.stack([zero + 6, total, zero, micros >> 32, micros & 0xFFFFFFFF, sizes, sizes], axis=1).astype("<u4")
    lengths = before + padded + after
    ends = np.empty_like(lengths)
    ends[order] = np.cumsum(lengths[order])
    starts = ends - lengths + len(head)
    out = np.zeros(len(head) + int(lengths.sum()), np.uint8)
    out[: len(head)] = np.frombuffer(head, np.uint8)
    heads = fixed.view(np.uint8).reshape(len(sizes), -1)
    done = 0
    for made in shapes.frames:
        for low in range(0, len(made), 4096):
            part = made[low : low + 4096]
            rows = slice(done, done + len(part))
            at = starts[rows, None]
            out[at + np.arange(before)] = heads[rows]
            out[at + before + np.arange(part.shape[1])] = part
            if after:
                out[at + before + padded[rows, None] + np.arange(4)] = heads[rows, 4:8]
            done += len(part)
    path.write_bytes(out.tobytes())


def main() -> None:
    """Write one capture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path)
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--attempts", type=int, default=0)
    parser.add_argument("--span", type=float, default=SPAN_S, help="seconds that the capture takes")
    parser.add_argument("--peers", type=float, default=PEERS, help="part of PEER_*; dht-rpc makes up for it")
    parser.add_argument("--format", choices=("pcap", "pcapng"), default="pcap")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    shapes = (
        generate_attempts(args.attempts, args.seed)
        if args.attempts
        else generate(args.packets, args.seed, args.span, args.peers)
    )
    write(shapes, args.path, args.format)


if __name__ == "__main__":
    main()
