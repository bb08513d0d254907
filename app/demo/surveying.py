"""What is where in the embedded network, as values that other threads may read."""

from __future__ import annotations

from app.demo.nat_host import NattedLan
from app.demo.show import Demo
from app.demo_status import NatStatus, NetworkStatus
from protocol.dht.contact import NodeSocket
from protocol.nat_box import Behaviour, NatKind, PortOrder

_MAPS = {
    Behaviour.ENDPOINT_INDEPENDENT: "one port for all",
    Behaviour.ADDRESS_DEPENDENT: "a port for each host",
    Behaviour.ADDRESS_AND_PORT_DEPENDENT: "a port for each destination",
}
_LETS_IN = {
    Behaviour.ENDPOINT_INDEPENDENT: "lets in anybody",
    Behaviour.ADDRESS_DEPENDENT: "lets in hosts it sent to",
    Behaviour.ADDRESS_AND_PORT_DEPENDENT: "lets in whom it sent to",
}


def survey(demo: Demo) -> NetworkStatus:
    """The network as it is now; to be called in its own thread."""
    network = demo.network
    return NetworkStatus(
        bootstrap=network.bootstrap,
        nodes=tuple((shell.address(NodeSocket.SERVER), len(shell.machine.membership)) for shell in network.nodes),
        nats=tuple(_nat(lan) for lan in network.places.lans),
        playing=tuple(scene.title for scene in demo.director.playing),
        played=demo.director.played,
        dropped=tuple((str(reason), count) for reason, count in network.loopback.dropped.most_common()),
    )


def words(kind: NatKind) -> str:
    """How a NAT behaves, in a few words."""
    ports = "in order" if kind.port_order is PortOrder.SEQUENTIAL else "the same as inside if it can"
    said = [_MAPS[kind.mapping], _LETS_IN[kind.filtering]]
    if kind.port_preservation or kind.port_order is PortOrder.SEQUENTIAL:
        said.insert(1, ports)
    if kind.keeps_strays:
        said.append("strays may take a port")
    return ", ".join(said)


def _nat(lan: NattedLan) -> NatStatus:
    box = lan.box
    return NatStatus(
        lan.public_host, words(box.kind), tuple(sorted(lan.hosts)), box.mappings, box.ports, box.refused.total()
    )
