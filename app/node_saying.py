"""What a peer tells of itself, in sentences: for standard error, and for the page of events."""

from __future__ import annotations

from app.wording import counted
from protocol.dht.events import (
    AddressesChanged,
    BecameEphemeral,
    BecamePersistent,
    Bootstrapped,
    Event,
    HealthChanged,
    NatUpdated,
    PortFoundOpen,
)
from protocol.peer.events import ServerListening, StageChanged


def saying(event: Event) -> str:
    """What an event means, in a sentence; empty for those that come by the dozen."""
    match event:
        case Bootstrapped(nodes):
            return f"bootstrapped with {counted(nodes, 'node')}"
        case PortFoundOpen():
            return "others reach our port: not firewalled"
        case BecamePersistent(id):
            return f"persistent, with the id {id.hex()}"
        case BecameEphemeral():
            return "ephemeral again"
        case NatUpdated(None, _):
            return "others do not agree on our address"
        case NatUpdated(host, port):
            return f"others see us at {host}:{port}" if port else f"others see us at {host}, at different ports"
        case HealthChanged(health):
            return f"the network is {health}"
        case AddressesChanged(addresses):
            return f"an interface came or went: this machine is at {', '.join(one.host for one in addresses)} now"
        case ServerListening(server, relays):
            where = f"announced at {counted(relays, 'relay')}" if relays else "announced nowhere: nobody can find it"
            return f"listening on {server.public_key.hex()}, {where}"
        case StageChanged(connection, stage, closing):
            what = f"{'to' if connection.initiator else 'from'} {connection.remote_public_key.hex()[:8]}"
            return f"connection {what}: {stage.value if closing is None else closing.text}"
        case _:
            return ""
