"""Packets of a made-up conversation, the capture of them and the story that is read from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from capture.model import Flow
from capture.opening import read_capture
from capture.story import Keys, Story
from capture.table import PacketTable
from protocol.envelope import encode_request, encode_response
from protocol.hashes import node_id
from protocol.messages import Address, Request, Response
from tests.capture import build

NODE, OTHER_NODE = Address("46.1.1.1", 49737), Address("46.2.2.2", 49737)
NO_KEYS = Keys()


@dataclass
class Packet:
    time: float
    src: Address
    dst: Address
    payload: bytes
    ttl: int = 60


@dataclass
class Wire:
    """What passes by, and the clock."""

    packets: list[Packet] = field(default_factory=list)
    now: float = 1_700_000_000.0
    tid: int = 100

    def send(self, src: Address, dst: Address, payload: bytes, ttl: int = 60) -> None:
        self.packets.append(Packet(self.now, src, dst, payload, ttl))
        self.now += 0.01

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def next_tid(self) -> int:
        self.tid += 1
        return self.tid

    def ping(self, socket: Address, node: Address, seen_as: Address | None = None, error: int = 0) -> None:
        """One NAT sample: a PING and its answer."""
        tid = self.next_tid()
        self.send(socket, node, encode_request(Request(tid, node, 0, internal=True)))
        self.send(node, socket, encode_response(Response(tid, seen_as or socket, node_id(node), error=error)))

    def idle(self, seconds: float = 60.0) -> None:
        """The capture goes on with other traffic for a while."""
        self.wait(seconds)
        self.ping(NODE, OTHER_NODE)

    def pcap(self, only: Iterable[str] = (), snaplen: int = 262144) -> bytes:
        """A capture of the packets, of those alone that touch a host of `only` where that is given."""
        hosts = set(only)
        frames = [
            (round(one.time * 1e9), build.ethernet(datagram(one)))
            for one in sorted(self.packets, key=lambda packet: packet.time)
            if not hosts or {one.src.host, one.dst.host} & hosts
        ]
        return build.pcap(frames, nanoseconds=True, snaplen=snaplen)

    def table(self, only: Iterable[str] = (), snaplen: int = 262144) -> PacketTable:
        return read_capture(self.pcap(only, snaplen))

    def story(self, keys: Keys = NO_KEYS, only: Iterable[str] = (), snaplen: int = 262144) -> Story:
        return Story(self.table(only, snaplen), keys)

    def flow(self, keys: Keys = NO_KEYS, only: Iterable[str] = (), snaplen: int = 262144) -> Flow:
        """The one attempt that there is."""
        (flow,) = self.story(keys, only, snaplen).flows
        return flow


def datagram(packet: Packet) -> bytes:
    datagram = build.udp(packet.payload, packet.src.port, packet.dst.port)
    return build.ipv4(datagram, packet.src.host, packet.dst.host, packet.ttl)
