"""A day of traffic made on the fly: attempts of known kinds, and around them what a busy node sees besides.

| share | what |
|---|---|
| 1 attempt in 500 packets | `bench.soak_attempts` |
| 0.50 | queries of the DHT and their answers; one in twenty leaves a NAT whose both sides are captured |
| 0.34 | UDX: data and acknowledgements, of streams that come and go |
| 0.05 | TCP |
| 0.05 | UDP of other protocols, half of it over IPv6 |
| 0.02 | one-byte punches of nobody known |
| few | datagrams in fragments, some of which never become whole |

Every host that is not a relay is new, so that whatever is remembered by address, transaction or stream shows as growth.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Final

import numpy as np

from bench.frames import Bytes, Numbers, address, frames, little_endian, request, response
from bench.soak_attempts import SILENT_S, Attempts
from bench.soak_frames import fragments, frame_of, over6
from capture.bursts import Burst

RATE: Final = 100e6 / 86400
"""Packets in a second: a hundred million in a day."""
PER_ATTEMPT: Final = 500
"""Packets for each attempt."""
US, PORT = 0x0B00FF01, 49737
INSIDE = 0x0A000000
OUTSIDE = 0x0B00FF02
DATA: Final = 1180
"""Bytes of a UDX packet with data."""
FRAGMENTED: Final = 3
"""Datagrams in fragments in each part, the last of which never becomes whole."""


class Traffic:
    """Packets in order of time, part by part.

    Args:
        packets: how many there are, about.
        part: packets in each part.
        seed: the same one gives the same packets.
        rate: packets in a second.
        per_attempt: packets for each attempt.
    """

    def __init__(
        self,
        packets: int,
        part: int = 5000,
        seed: int = 1,
        *,
        rate: float = RATE,
        per_attempt: int = PER_ATTEMPT,
    ) -> None:
        self.attempts = Attempts(seed)
        self.made = 0
        """Packets so far."""
        self._packets = packets
        self._part = part
        self._rate = rate
        self._per_attempt = per_attempt
        self._rng = np.random.default_rng(seed)
        self._noise = self._rng.integers(0, 256, DATA * 256, dtype=np.uint8)
        self._going: list[tuple[float, int, bytes]] = []
        """Frames of attempts that are yet to come: time, a number, bytes."""
        self._serial = self._host = 0

    def parts(self, began_ns: int = 1_760_000_000 * 10**9) -> Iterator[Burst]:
        """All of them; after the last attempt it goes on until every verdict is clear."""
        span = self._part / self._rate
        now, begin = 0.0, 0.0
        while self._going or self.made < self._packets:
            if self.made < self._packets:
                begin = self._begin_attempts(now + span, begin)
            yield self._burst(now, span, self._part, began_ns)
            now += span
        quiet = max(1, round(self._part * SILENT_S / span))
        for start in range(0, quiet, self._part):
            count = min(self._part, quiet - start)
            yield self._burst(now, span * count / self._part, count, began_ns)
            now += span * count / self._part

    def _begin_attempts(self, end: float, first: float) -> float:
        """Begin those whose time has come; when the next does."""
        step = self._per_attempt / self._rate
        while first < end:
            for packet in self.attempts.next():
                self._serial += 1
                heapq.heappush(self._going, (first + packet.time, self._serial, frame_of(packet)))
            first += step
        return first

    def _burst(self, start: float, span: float, count: int, began_ns: int) -> Burst:
        times: list[np.ndarray] = []
        contents: list[bytes] = []
        lengths: list[np.ndarray] = []

        def add(seen: np.ndarray, made: Bytes) -> None:
            times.append(seen)
            contents.append(made.tobytes())
            lengths.append(np.full(len(made), made.shape[1], np.uint32))

        def when(some: int) -> np.ndarray:
            return start + self._rng.uniform(0, span, some)

        for seen, made in (
            *self._queries(when(count // 4)),
            *self._streams(when(int(count * 0.34))),
            *self._others(when(count // 20), when(count // 20), when(count // 50)),
        ):
            add(seen, made)
        self._add_single(start, span, times, contents, lengths)
        time = np.concatenate(times)
        length = np.concatenate(lengths)
        at = np.cumsum(length, dtype=np.int64) - length
        order = np.argsort(time, kind="stable")
        self.made += order.size
        time_ns = began_ns + (time[order] * 1e9).astype(np.int64)
        return Burst(b"".join(contents), at[order], length[order], length[order], time_ns)

    def _add_single(
        self, start: float, span: float, times: list[np.ndarray], contents: list[bytes], lengths: list[np.ndarray]
    ) -> None:
        """Frames that were made one by one: of attempts, and fragments."""
        single: list[tuple[float, bytes]] = []
        while self._going and self._going[0][0] < start + span:
            time, _, frame = heapq.heappop(self._going)
            single.append((time, frame))
        for number in range(FRAGMENTED):
            host = int(self._hosts(1)[0])
            body = bytes(self._rng.integers(0x20, 0x7F, 64, dtype=np.uint8))
            first, second = fragments(host, number + 1, body)
            single.append((start + span * number / FRAGMENTED, first))
            if number < FRAGMENTED - 1:
                single.append((start + span * number / FRAGMENTED + 1e-4, second))
        times.append(np.array([time for time, _ in single]))
        contents.append(b"".join(frame for _, frame in single))
        lengths.append(np.array([len(frame) for _, frame in single], np.uint32))

    def _hosts(self, count: int) -> Numbers:
        """Hosts that nobody had before."""
        found = 0x2D000000 + (np.arange(self._host, self._host + count) * 7919) % 0x50000000
        self._host += count
        return found

    def _queries(self, times: np.ndarray) -> Iterator[tuple[np.ndarray, Bytes]]:
        """FIND_NODE and its answers; some of the questions are seen inside and outside of a NAT."""
        rng, count = self._rng, times.size
        node, theirs = self._hosts(count), rng.integers(1024, 65536, count)
        us, port = np.full(count, US), np.full(count, PORT)
        tid = rng.integers(0, 65536, count)
        rest = np.concatenate([np.full((count, 1), 2, np.uint8), rng.integers(0, 256, (count, 32), np.uint8)], axis=1)
        asked = request(tid, address(node, theirs), 4 | 8, rest)
        inner = count // 20
        us[:inner], port[:inner] = INSIDE + self._hosts(inner) % 0xFFFFFF, rng.integers(1024, 65536, inner)
        yield times, frames(asked, us, port, node, theirs, np.full(count, 64))
        out, mapped = np.full(inner, OUTSIDE), rng.integers(1024, 65536, inner)
        outer = frames(asked[:inner], out, mapped, node[:inner], theirs[:inner], np.full(inner, 63))
        outer[:, 0:12] = (2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8)
        yield times[:inner] + 1e-4, outer
        nodes = rng.integers(0, 256, (count, 121), dtype=np.uint8)
        nodes[:, 0] = 20
        body = np.concatenate([rng.integers(0, 256, (count, 32), dtype=np.uint8), nodes], axis=1)
        us[:inner], port[:inner] = OUTSIDE, mapped
        answered = response(tid, address(us, port), 5, body)
        yield times + 0.05, frames(answered, node, theirs, us, port, rng.integers(40, 60, count))

    def _streams(self, times: np.ndarray) -> Iterator[tuple[np.ndarray, Bytes]]:
        """Data and acknowledgements of streams of which some are new each time."""
        rng, with_data = self._rng, times.size * 2 // 5
        hosts = self._hosts(64)
        for part, size in ((times[:with_data], DATA), (times[with_data:], 20)):
            count = part.size
            which = rng.integers(0, hosts.size, count)
            body = np.empty((count, size), np.uint8)
            body[:, 20:] = self._noise[: size - 20]
            body[:, 0:4] = (0xFF, 1, 1 if size > 20 else 0, 0)
            body[:, 4:8] = little_endian(hosts[which] * 2654435761 & 0xFFFFFFFF, 4)
            body[:, 8:12] = (0, 0, 1, 0)
            body[:, 12:20] = rng.integers(0, 256, (count, 8), dtype=np.uint8)
            us, ours, peer, port = np.full(count, US), 40000 + which, hosts[which], 1024 + which
            if size > 20:
                yield part, frames(body, us, ours, peer, port, np.full(count, 64))
            else:
                yield part, frames(body, peer, port, us, ours, np.full(count, 52))

    def _others(self, tcp: np.ndarray, udp: np.ndarray, punches: np.ndarray) -> Iterator[tuple[np.ndarray, Bytes]]:
        """TCP, UDP of other protocols, and one-byte packets."""
        rng = self._rng
        body = np.broadcast_to(self._noise[:200], (tcp.size, 200))
        us, port = np.full(tcp.size, US), np.full(tcp.size, 50000)
        made = frames(body, self._hosts(tcp.size), np.full(tcp.size, 443), us, port, np.full(tcp.size, 55))
        made[:, 23] = 6
        yield tcp, made
        body = rng.integers(0x20, 0x7F, (udp.size, 70), dtype=np.uint8)  # never a first byte of ours
        host, us, port = self._hosts(udp.size), np.full(udp.size, US), np.full(udp.size, 50001)
        made = frames(body, us, port, host, np.full(udp.size, 53), np.full(udp.size, 64))
        half = udp.size // 2
        yield udp[:half], made[:half]
        yield udp[half:], over6(made[half:], host[half:])
        count = punches.size
        body, us, port = np.zeros((count, 1), np.uint8), np.full(count, US), rng.integers(1024, 65536, count)
        yield punches, frames(body, self._hosts(count), port, us, port, np.full(count, 52))
