"""A small network of whole peers in which a script tampers with what is under way.

Three nodes, a server and a client behind NATs, and a blind relay. They start undisturbed. From the moment that the
client connects, each byte of the script says what becomes of the next datagram: it arrives, is lost, doubled, changed,
cut, sent on to somebody else, or an older one arrives in its place in its sender's name.
"""

from __future__ import annotations

from collections import deque

from protocol.keys import key_pair
from protocol.messages import Address
from protocol.peer.options import ConnectOptions, ListenOptions
from protocol.peer.relay_host import RelayHost, host_relay
from tests.fuzz.flow_script import Script
from tests.sim.hosts import SimHost, public_host, start_network
from tests.sim.nat import Behaviour, Nat, NatKind
from tests.sim.network import Network
from tests.sim.peers import Heard, SimPeer, peer_options

PAIR, RELAY = key_pair(b"s" * 32), key_pair(b"r" * 32)
CONE = NatKind()
SYMMETRIC = NatKind(Behaviour.ADDRESS_AND_PORT_DEPENDENT, Behaviour.ADDRESS_AND_PORT_DEPENDENT)
KINDS = (CONE, SYMMETRIC, None)
PATIENCE = 60.0
NODES = 4


class TamperedNetwork(Network):
    """A network that does to datagrams what a script says; without one it is an ordinary one."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.script: Script | None = None
        self.tampered = 0
        self._before: deque[tuple[bytes, Address, Address]] = deque(maxlen=32)

    def send(self, data: bytes, source: Address, to: Address) -> None:
        if self.script is None or self.script.over:
            super().send(data, source, to)
            return
        choice = self.script.byte()
        for changed in self._tampered(self.script, choice, data, source, to):
            super().send(*changed)
        self._before.append((data, source, to))

    def _tampered(
        self, script: Script, choice: int, data: bytes, source: Address, to: Address
    ) -> list[tuple[bytes, Address, Address]]:
        act = choice % 16
        self.tampered += act >= 8
        match act:
            case 8:
                return []
            case 9 | 10:
                changed = bytearray(data)
                for _ in range(1 + choice // 64):
                    changed[script.byte() % len(changed)] ^= script.byte() or 1
                return [(bytes(changed), source, to)]
            case 11:
                return [(data[: script.byte() % len(data)] or b"\0", source, to)]
            case 12:
                return [(data, source, to)] * 3
            case 13 if self._before:
                old, _, there = self._before[script.byte() % len(self._before)]
                return [(data, source, to), (old, source, there)]
            case 14:
                # Somebody else gets it as well, from a node's name.
                other = Address(public_host(1 + script.byte() % NODES), 49737)
                return [(data, source, to), (data, other, to)]
            case 15:
                return [(data, source, to), (script.some() or b"\xff", source, to)]
            case _:
                return [(data, source, to)]


class World:
    """The cast, started and bootstrapped."""

    def __init__(self, kinds: int, *, relay: bool) -> None:
        self.network = TamperedNetwork(kinds)
        self.nodes: list[SimHost] = start_network(self.network, NODES)
        self.peers: list[SimPeer] = []
        self.server = self._place(1, KINDS[kinds % 3])
        self.client = self._place(2, KINDS[kinds // 3 % 3])
        self.host: RelayHost | None = None
        if relay:
            third = self._place(3, None)
            third.act(lambda peer, now: setattr(self, "host", host_relay(peer, RELAY, now)))
            self.network.run(5)
        self._through = (RELAY.public_key,) if relay else ()
        self.server.listen(PAIR, ListenOptions(relay_through=self._through if kinds & 1 else ()))

    def _place(self, number: int, kind: NatKind | None) -> SimPeer:
        made = peer_options(self.nodes)
        if kind is None:
            peer = SimPeer(self.network, f"40.0.0.{number}", made, echo=True)
        else:
            nat = Nat(self.network, f"30.0.0.{number}", kind)
            peer = SimPeer(self.network, f"192.168.{number}.2", made, nat=nat, echo=True)
        peer.bootstrap()
        self.peers.append(peer)
        return peer

    def play(self, script: Script) -> Heard:
        """The client connects and says something, while the script tampers; what it heard."""
        self.network.script = script
        connection, heard = self.client.connect(PAIR.public_key, ConnectOptions(relay_through=self._through))
        self.network.run_until(lambda: heard.opened or heard.closed is not None, PATIENCE)
        if connection.may_send:
            self.client.act(lambda _peer, _now: connection.send(b"something to be echoed" * 60))
            self.network.run(3)
        if connection.may_send:
            self.client.act(lambda _peer, _now: connection.end())
        self.network.run(20)
        return heard
