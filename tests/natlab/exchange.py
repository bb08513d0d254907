"""What both sides of an attempt exchanged, by which way, and who carried it."""

from __future__ import annotations

from typing import Any

from .logs import FIREWALL, Event, every, first, named
from .topology import Network

MODES = {
    ("client", "sent"): "FROM_CLIENT",
    ("server", "received"): "FROM_RELAY",
    ("server", "sent"): "FROM_SERVER",
    ("client", "received"): "REPLY",
}
"""The mode in which each side sees the PEER_HOLEPUNCH that holds a payload."""


def payloads_of(sides: dict[str, list[Event]], secret: str) -> list[dict[str, Any]]:
    """Every holepunch payload that either side sent or opened, in the order of time."""
    found = []
    for side, events in sides.items():
        for each in every(
            events, "payload-encrypted", "payload-decrypted", where=lambda each: each["secret"] == secret
        ):
            act = "sent" if each["event"] == "payload-encrypted" else "received"
            found.append(
                {"t": each["t"], "side": side, "act": act, "payload": named(each["payload"]), "wire": each["wire"]}
            )
    return sorted(found, key=lambda each: float(each["t"]))


def legs_of(logs: dict[str, list[Event]], messages: set[str]) -> list[dict[str, Any]]:
    """Every arrival of one of these messages at a relay or server, in the order of time."""
    found = []
    for node, events in logs.items():
        for each in every(events, "carried"):
            if (each["noise"] or each["payload"]) in messages:
                found.append(
                    {
                        "t": each["t"],
                        "node": node,
                        "command": each["command"],
                        "mode": each["mode"],
                        "tid": each["tid"],
                        "from": named(each["from"]),
                        "peer_address": named(each["peer_address"]),
                    }
                )
    return sorted(found, key=lambda each: float(each["t"]))


def token_state(payloads: list[dict[str, Any]], issuer: str) -> str:
    """State of the token that one side issued, as a report names it."""
    issued: set[str] = set()
    state = "not-issued"
    for each in payloads:
        if each["act"] != "sent" or state in ("verified", "mismatch"):
            continue
        if each["side"] == issuer:
            if each["payload"]["token"] is not None:
                issued.add(each["payload"]["token"])
                state = "issued"
        elif each["payload"]["remote_token"] is not None:
            state = "verified" if each["payload"]["remote_token"] in issued else "mismatch"
    return state


def _seen(legs: list[dict[str, Any]], mode: int) -> list[str]:
    return sorted({each["from"] for each in legs if each["mode"] == mode and each["node"].startswith("relay-")})


def roles_of(node: str, server: str | None, legs: list[dict[str, Any]], network: Network) -> dict[str, Any]:
    """Who took part: hosts with their own address and the one the world sees, and the relays that carried a leg."""

    def place(name: str | None, mode: int) -> dict[str, Any] | None:
        host = network.hosts.get(name or "")
        if host is None:
            return None
        return {
            "node": name,
            "nat": host.nat,
            "inside": host.inside,
            "outside": host.outside,
            "seen": _seen(legs, mode),
        }

    relays = {each.name: each.outside for each in network.relays}
    by_command = {
        command: sorted(
            {relays[each["node"]] for each in legs if each["node"] in relays and each["command"] == command}
        )
        for command in ("PEER_HANDSHAKE", "PEER_HOLEPUNCH")
    }
    return {"client": place(node, 0), "server": place(server, 1), "relays": by_command}


def path_of(
    client: list[Event], stream: int, payloads: tuple[Event, Event], network: Network, inside: str
) -> str | None:
    """How the client's stream reached the server, from where it was pointed to."""
    connected = first(client, "stream-connected", stream=stream)
    if connected is None:
        return None
    blind = network.hosts.get("blind-relay")
    host = connected["to"]["host"]
    if blind is not None and host == blind.outside and inside != host:
        return "upgraded" if first(client, "stream-remote-changed", stream=stream) else "relayed"
    if FIREWALL[payloads[1]["firewall"]] == "OPEN" or FIREWALL[payloads[0]["firewall"]] == "OPEN":
        return "open"
    behind_nat = any(each.nat and each.inside == inside for each in network.hosts.values())
    return "lan" if behind_nat and host == inside else "punched"
