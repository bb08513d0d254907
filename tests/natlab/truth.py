"""Collates what the nodes of a run wrote into one ground truth: a list of connection attempts.

The nodes' logs are JSON lines made by `nodes/truth.cjs`. An attempt is found on the client by its `connect`, and on
the server by the bytes of noise message 1; both sides then share the holepunch secret. Values are hex and names are
snake_case, addresses `host:port`, times epoch seconds.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .scenario import Scenario
from .topology import Network
from .verdicts import agree, derive

Event = dict[str, Any]
FIREWALL = ("UNKNOWN", "OPEN", "CONSISTENT", "RANDOM")
MODES = {
    ("client", "sent"): "FROM_CLIENT",
    ("server", "received"): "FROM_RELAY",
    ("server", "sent"): "FROM_SERVER",
    ("client", "received"): "REPLY",
}
"""The mode in which each side sees the PEER_HOLEPUNCH that holds a payload."""
LOW_TTL = 5
LISTED_PROBES = 40
"""Up to so many probes of one side are listed one by one; more are only counted."""


def blake2b(message: bytes, size: int) -> bytes:
    """BLAKE2b with a digest of `size` bytes."""
    return hashlib.blake2b(message, digest_size=size).digest()


def flow_id(noise: str) -> str:
    """The id of an attempt: first 8 bytes of BLAKE2b-256 of noise message 1 (hex in, hex out)."""
    return blake2b(bytes.fromhex(noise), 32)[:8].hex()


def _named(value: Any) -> Any:
    """Names in snake_case, addresses as `host:port`, firewalls by name."""
    if isinstance(value, list):
        return [_named(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "host" in value and "port" in value and value.keys() <= {"host", "port", "id", "hits"}:
        return f"{value['host']}:{value['port']}"
    named = {
        re.sub(r"(?<=[a-z])[A-Z]", lambda hump: "_" + hump[0].lower(), key): _named(each) for key, each in value.items()
    }
    if isinstance(named.get("firewall"), int):
        named["firewall"] = FIREWALL[named["firewall"]]
    return named


def read_logs(folder: Path) -> dict[str, list[Event]]:
    """All events by node, in the order in which the node wrote them."""
    logs = {}
    for path in sorted(folder.glob("*.jsonl")):
        logs[path.stem] = [json.loads(line) for line in path.read_text().splitlines()]
    return logs


def _first(events: Iterable[Event], event: str, **fields: Any) -> Event | None:
    for each in events:
        if each["event"] == event and all(each.get(key) == value for key, value in fields.items()):
            return each
    return None


def _every(events: Iterable[Event], *names: str, where: Callable[[Event], bool] = lambda _: True) -> list[Event]:
    return [each for each in events if each["event"] in names and where(each)]


def _probes(events: list[Event], punchers: set[int]) -> dict[str, Any]:
    sent = _every(events, "probe-sent", where=lambda each: each["puncher"] in punchers)
    received = _every(events, "punch-received", where=lambda each: each["puncher"] in punchers)
    low = [each for each in sent if each["ttl"] == LOW_TTL]
    summary: dict[str, Any] = {
        "low_ttl": len(low),
        "normal": len(sent) - len(low),
        "ports": len({each["to"]["port"] for each in sent}),
        "source_ports": len({each["socket_port"] for each in sent}),
        "first": sent[0]["t"] if sent else None,
        "last": sent[-1]["t"] if sent else None,
        "received": len(received),
        "first_received": received[0]["t"] if received else None,
    }
    if len(sent) <= LISTED_PROBES:
        summary["each"] = [
            {"t": one["t"], "ttl": one["ttl"], "from_port": one["socket_port"], "to": _named(one["to"])} for one in sent
        ]
    return summary


def _side(node: str, events: list[Event], secret: str | None, punchers: set[int]) -> dict[str, Any]:
    """What one side of an attempt knew and did."""
    sockets = {each["socket"] for each in _every(events, "puncher-socket") if each["puncher"] in punchers}
    samples = [
        {
            "t": each["t"],
            "from_port": each["socket_port"],
            "address": _named(each["address"]),
            "by": _named(each["from"]),
            "firewall": FIREWALL[each["firewall"]],
            "frozen": each["frozen"],
        }
        for each in _every(events, "nat-sample", where=lambda each: each["socket"] in sockets)
    ]
    ends = _every(events, "puncher-destroyed", where=lambda each: each["puncher"] in punchers)
    sent = _every(events, "payload-encrypted", where=lambda each: secret is not None and each["secret"] == secret)
    firewalls = [FIREWALL[each["payload"]["firewall"]] for each in sent]
    keys = _first(events, "payload-keys", secret=secret) if secret else None
    final = FIREWALL[ends[-1]["local_firewall"]] if ends else (samples[-1]["firewall"] if samples else None)
    return {
        "node": node,
        "token_secret": keys["local_secret"] if keys else None,
        "firewall": {
            "final": final,
            "last_sent": firewalls[-1] if firewalls else None,
            "last_sent_known": next((each for each in reversed(firewalls) if each != "UNKNOWN"), None),
            "remote": FIREWALL[ends[-1]["remote_firewall"]] if ends else None,
        },
        "samples": samples,
        "reopened": len(_every(events, "puncher-reopened", where=lambda each: each["puncher"] in punchers)),
        "punches": [
            {
                "t": each["t"],
                "event": each["event"],
                "started": each.get("started"),
                "addresses": each.get("remote_addresses"),
            }
            for each in _every(events, "punch", "punch-started", where=lambda each: each["puncher"] in punchers)
        ],
        "probes": _probes(events, punchers),
    }


def _payloads(sides: dict[str, list[Event]], secret: str) -> list[dict[str, Any]]:
    """Every holepunch payload that either side sent or opened, in the order of time."""
    found = []
    for side, events in sides.items():
        for each in _every(
            events, "payload-encrypted", "payload-decrypted", where=lambda each: each["secret"] == secret
        ):
            act = "sent" if each["event"] == "payload-encrypted" else "received"
            found.append(
                {"t": each["t"], "side": side, "act": act, "payload": _named(each["payload"]), "wire": each["wire"]}
            )
    return sorted(found, key=lambda each: float(each["t"]))


def _legs(logs: dict[str, list[Event]], messages: set[str]) -> list[dict[str, Any]]:
    """Every arrival of one of these messages at a relay or server, in the order of time."""
    found = []
    for node, events in logs.items():
        for each in _every(events, "carried"):
            if (each["noise"] or each["payload"]) in messages:
                found.append(
                    {
                        "t": each["t"],
                        "node": node,
                        "command": each["command"],
                        "mode": each["mode"],
                        "tid": each["tid"],
                        "from": _named(each["from"]),
                        "peer_address": _named(each["peer_address"]),
                    }
                )
    return sorted(found, key=lambda each: float(each["t"]))


def _token(payloads: list[dict[str, Any]], issuer: str) -> str:
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


def _roles(node: str, server: str | None, legs: list[dict[str, Any]], network: Network) -> dict[str, Any]:
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


def _path(client: list[Event], stream: int, payloads: tuple[Event, Event], network: Network, inside: str) -> str | None:
    """How the client's stream reached the server, from where it was pointed to."""
    connected = _first(client, "stream-connected", stream=stream)
    if connected is None:
        return None
    blind = network.hosts.get("blind-relay")
    host = connected["to"]["host"]
    if blind is not None and host == blind.outside and inside != host:
        return "upgraded" if _first(client, "stream-remote-changed", stream=stream) else "relayed"
    if FIREWALL[payloads[1]["firewall"]] == "OPEN" or FIREWALL[payloads[0]["firewall"]] == "OPEN":
        return "open"
    behind_nat = any(each.nat and each.inside == inside for each in network.hosts.values())
    return "lan" if behind_nat and host == inside else "punched"


def _attempt(node: str, connect: Event, logs: dict[str, list[Event]], network: Network) -> dict[str, Any]:
    client = logs[node]
    number = connect["attempt"]
    own = [each for each in client if each["attempt"] == number]
    public_key = connect["server_public_key"]
    sent = _first(own, "noise-sent", initiator=True, remote_public_key=public_key)
    error = _first(own, "connection-error")
    closed = _first(own, "connection-closed")
    result: dict[str, Any] = {
        "id": flow_id(sent["message"]) if sent else None,
        "label": connect["label"],
        "parent": connect["parent"],
        "started": connect["t"],
        "closed": closed["t"] if closed else None,
        "target": blake2b(bytes.fromhex(public_key), 32).hex(),
        "server_public_key": public_key,
        "client_public_key": sent["public_key"] if sent else None,
        "fast_open": connect["fast_open"],
        "client_error": error["code"] or error["message"] if error else None,
        "errors_made": [
            {"t": each["t"], "code": each["code"], "message": each["message"]} for each in _every(own, "error-made")
        ],
        "requests": [
            {key: _named(each[key]) for key in ("t", "command", "tid", "to", "times", "socket_port")}
            for each in _every(own, "request-sent")
        ],
    }
    answer = _first(own, "noise-received", noise=sent["noise"]) if sent else None
    final = _first(own, "noise-final", noise=sent["noise"]) if sent else None
    secret = final["holepunch_secret"] if final else None
    server_node, server_noise = _server_side(logs, sent["message"]) if sent else (None, None)
    server = logs[server_node] if server_node else []
    replied = _first(server, "noise-sent", noise=server_noise) if server_noise else None
    if secret is None and server_noise is not None:
        server_final = _first(server, "noise-final", noise=server_noise)
        secret = server_final["holepunch_secret"] if server_final else None
    made = _every(own, "puncher-made")
    remote_made = _every(server, "puncher-made", where=lambda each: secret is not None and each["secret"] == secret)
    payloads = _payloads({"client": client, "server": server}, secret) if secret else []
    messages = {each["wire"] for each in payloads} | {each["message"] for each in (sent, replied) if each}
    legs = _legs(logs, messages)
    inside = network.hosts[server_node].inside if server_node in network.hosts else ""
    udx = sent["payload"]["udx"] if sent else None
    stream = udx["id"] if udx else -1
    up = _first(client, "stream-up", stream=stream)
    offered = replied["payload"]["udx"] if replied else None
    accepted = _first(server, "connection-accepted", stream=offered["id"]) if offered else None
    answered_firewall = (sent["payload"], answer["payload"]) if sent and answer else None
    return result | {
        "noise": {
            "message_1": sent["message"] if sent else None,
            "message_2": replied["message"] if replied else None,
            "received_by_client": answer is not None,
            "client_payload": _named(sent["payload"]) if sent else None,
            "server_payload": _named(replied["payload"]) if replied else None,
            "client_ephemeral_secret_key": sent["ephemeral_secret_key"] if sent else None,
        },
        "handshake_hash": final["handshake_hash"] if final else None,
        "holepunch_secret": secret,
        "payloads": payloads,
        "tokens": {side: _token(payloads, side) for side in ("server", "client")},
        "legs": legs,
        "roles": _roles(node, server_node, legs, network),
        "client": _side(node, client, secret, {each["puncher"] for each in made}),
        "server": _side(server_node, server, secret, {each["puncher"] for each in remote_made})
        if server_node
        else None,
        "unanswered": [
            {
                "t": each["t"],
                "command": each["command"],
                "to": _named(each["to"]),
                "code": each["code"],
                "message": each["message"],
            }
            for each in _every(own, "unanswered")
        ],
        "outcome": "connected" if up else "failed",
        "path": _path(client, stream, answered_firewall, network, inside) if up and answered_firewall else None,
        "connected": up["t"] if up else None,
        "server_accepted": accepted is not None,
    }


def _server_side(logs: dict[str, list[Event]], message: str) -> tuple[str | None, int | None]:
    for node, events in logs.items():
        found = _first(events, "noise-received", initiator=False, message=message)
        if found is not None:
            return node, found["noise"]
    return None, None


def collate(
    folder: Path,
    scenario: Scenario,
    network: Network,
    labels: dict[str, dict[str, Any]],
    faults: list[dict[str, Any]],
    ready: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    """The truth of a run, JSON-ready. Attempts are in the order in which they started."""
    logs = read_logs(folder)
    attempts = []
    for node, events in logs.items():
        for connect in _every(events, "connect"):
            attempt = _attempt(node, connect, logs, network)
            order = labels.get(connect["label"] or "", {}).get("connect", {})
            attempt["derived"] = derive(attempt)
            attempt["expected"] = order.get("expect") or attempt["derived"]
            attempt["right"] = agree(attempt["expected"], attempt["derived"])
            attempts.append(attempt)
    attempts.sort(key=lambda each: float(each["started"]))
    return {
        "version": 1,
        "scenario": scenario.name,
        "title": scenario.title,
        "note": scenario.note,
        "network": {"delay": scenario.delay, "jitter": scenario.jitter, "loss": scenario.loss},
        "hosts": [asdict(host) | {"ready": ready.get(host.name)} for host in network.hosts.values()],
        "nats": [asdict(nat) | {"outside": network.nats[nat.name]} for nat in scenario.nats],
        "relays": [f"{each.outside}:{ready[each.name]['port']}" for each in network.relays],
        "faults": faults,
        "attempts": attempts,
    }
