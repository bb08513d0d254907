"""Builds the network of a scenario: a wide area router, relays, NATs and hosts, each in a namespace of its own.

Addresses look public (11.0.0.0/8): reserved ranges take another path in the reference implementation.
Layout: relays 11.0.N.2, NATs 11.1.N.2, hosts without a NAT 11.2.N.2, each on a cable of its own to the wide area
router (.1); hosts behind NAT N are 192.168.(10+N).(2+i), the NAT is .1 on a bridge.
"""

from __future__ import annotations

from dataclasses import dataclass

from .namespaces import Namespaces
from .scenario import Nat, Scenario

WAN = "wan"
TTL_DECREMENT = 6
"""Hops that the wide area router stands for: punches of TTL 5 open the sender's NAT and die on the way."""
PING_PACKET = 20 + 8 + 11
"""Bytes of the IPv4 packet of a PING from a node that shows no id: nothing else in the protocol is as short."""


@dataclass(frozen=True, slots=True)
class Host:
    """A place where a node runs. `inside` is its own address, `outside` what the world sees."""

    name: str
    role: str
    nat: str
    inside: str
    outside: str


@dataclass(frozen=True, slots=True)
class Network:
    """What was built: hosts by name, relays in order, and the outside address of each NAT."""

    hosts: dict[str, Host]
    relays: tuple[Host, ...]
    nats: dict[str, str]
    through_tun: bool


def _uplink(spaces: Namespaces, name: str, subnet: str, device: str = "eth0") -> str:
    """Cable a namespace to the wide area router; returns its address there."""
    spaces.cable(WAN, f"v-{name}"[:15], name, device)
    spaces.ip(WAN, f"addr add {subnet}.1/24 dev {'v-' + name[:13]}")
    spaces.ip(name, f"addr add {subnet}.2/24 dev {device}", f"route add default via {subnet}.1")
    return f"{subnet}.2"


def _build_wan(spaces: Namespaces) -> None:
    spaces.make(WAN)
    spaces.write(WAN, net__ipv4__ip_forward="1", net__ipv4__conf__all__rp_filter="0")
    spaces.write(WAN, net__ipv4__conf__default__rp_filter="0", net__ipv4__icmp_ratelimit="0")
    spaces.run(WAN, f"iptables -t mangle -A PREROUTING -i v-+ -j TTL --ttl-dec {TTL_DECREMENT}")


def _build_nat(spaces: Namespaces, nat: Nat, number: int) -> str:
    space = f"nat-{nat.name}"
    spaces.make(space)
    outside = _uplink(spaces, space, f"11.1.{number}", "wan")
    spaces.write(space, net__ipv4__ip_forward="1", net__ipv4__conf__all__rp_filter="0")
    spaces.ip(space, "link add lan type bridge", f"addr add 192.168.{10 + number}.1/24 dev lan", "link set lan up")
    fully = " --random-fully" if nat.kind == "random" else ""
    rules = [f"iptables -t nat -A POSTROUTING -o wan -j MASQUERADE{fully}"]
    if nat.drop_strays:
        rules.append("iptables -A INPUT -i wan -p udp -j DROP")
        rules.append("iptables -A FORWARD -i wan -m conntrack --ctstate NEW,INVALID -j DROP")
    if nat.block_peers:
        rules.append("iptables -t raw -A PREROUTING -i wan -p udp -s 11.1.0.0/16 -j DROP")
    if nat.block_streams:
        magic = "0>>22&0x3C@8>>24=0xFF"  # first byte of the UDP payload
        rules.append(f"iptables -t raw -A PREROUTING -i wan -p udp -s 11.1.0.0/16 -m u32 --u32 {magic} -j DROP")
    if nat.block_pings:
        rules.append(f"iptables -t raw -A PREROUTING -i lan -p udp -m length --length {PING_PACKET} -j DROP")
    spaces.run(space, *rules)
    return outside


def _build_host(spaces: Namespaces, name: str, role: str, place: tuple[str, int] | None, number: int) -> Host:
    spaces.make(name)
    if place is None:
        outside = _uplink(spaces, name, f"11.2.{number}")
        return Host(name, role, "", outside, outside)
    nat, subnet = place
    space, inside = f"nat-{nat}", f"192.168.{10 + subnet}.{number + 1}"
    spaces.cable(space, f"l-{name}"[:15], name, "eth0")
    spaces.ip(space, f"link set l-{name[:13]} master lan")
    spaces.ip(name, f"addr add {inside}/24 dev eth0", f"route add default via 192.168.{10 + subnet}.1")
    return Host(name, role, nat, inside, f"11.1.{subnet}.2")


def build(spaces: Namespaces, scenario: Scenario, blind_relay: bool) -> Network:
    """Build everything but the processes. Names of namespaces: `wan`, `relay-N`, `nat-NAME`, and the hosts'."""
    _build_wan(spaces)
    relays = []
    for number in range(scenario.relays):
        name = f"relay-{number}"
        spaces.make(name)
        address = _uplink(spaces, name, f"11.0.{number}")
        relays.append(Host(name, "relay", "", address, address))
    nats, subnets = {}, {}
    for number, nat in enumerate(scenario.nats):
        nats[nat.name] = _build_nat(spaces, nat, number)
        subnets[nat.name] = number
    hosts: dict[str, Host] = {}
    counts: dict[str, int] = {}

    def place(name: str, role: str, nat: str) -> None:
        counts[nat] = counts.get(nat, 0) + 1
        where = (nat, subnets[nat]) if nat else None
        hosts[name] = _build_host(spaces, name, role, where, counts[nat])

    for server in scenario.servers:
        place(server.name, "server", server.nat)
    for client in scenario.clients:
        for each in range(client.count):
            place(client.name if client.count == 1 else f"{client.name}-{each}", "client", client.nat)
    if blind_relay:
        place("blind-relay", "blind-relay", "")
    through_tun = bool(scenario.delay or scenario.loss)
    if through_tun:
        spaces.write(WAN, net__ipv4__conf__all__accept_local="1")
    return Network(hosts, tuple(relays), nats, through_tun)
