"""Collates what the nodes of a run wrote into one ground truth: a list of connection attempts.

The nodes' logs are JSON lines made by `nodes/truth.cjs`. An attempt is found on the client by its `connect`, and on
the server by the bytes of noise message 1; both sides then share the holepunch secret. Values are hex and names are
snake_case, addresses `host:port`, times epoch seconds.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from .exchange import legs_of, path_of, payloads_of, roles_of, token_state
from .logs import Event, blake2b, every, first, flow_id, named, read_logs
from .scenario import Scenario
from .sides import side_of
from .topology import Network
from .verdicts import agree, derive


def _attempt(node: str, connect: Event, logs: dict[str, list[Event]], network: Network) -> dict[str, Any]:
    client = logs[node]
    number = connect["attempt"]
    own = [each for each in client if each["attempt"] == number]
    public_key = connect["server_public_key"]
    sent = first(own, "noise-sent", initiator=True, remote_public_key=public_key)
    error = first(own, "connection-error")
    closed = first(own, "connection-closed")
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
            {"t": each["t"], "code": each["code"], "message": each["message"]} for each in every(own, "error-made")
        ],
        "requests": [
            {key: named(each[key]) for key in ("t", "command", "tid", "to", "times", "socket_port")}
            for each in every(own, "request-sent")
        ],
    }
    answer = first(own, "noise-received", noise=sent["noise"]) if sent else None
    final = first(own, "noise-final", noise=sent["noise"]) if sent else None
    secret = final["holepunch_secret"] if final else None
    server_node, server_noise = _server_side(logs, sent["message"]) if sent else (None, None)
    server = logs[server_node] if server_node else []
    replied = first(server, "noise-sent", noise=server_noise) if server_noise else None
    if secret is None and server_noise is not None:
        server_final = first(server, "noise-final", noise=server_noise)
        secret = server_final["holepunch_secret"] if server_final else None
    made = every(own, "puncher-made")
    remote_made = every(server, "puncher-made", where=lambda each: secret is not None and each["secret"] == secret)
    payloads = payloads_of({"client": client, "server": server}, secret) if secret else []
    messages = {each["wire"] for each in payloads} | {each["message"] for each in (sent, replied) if each}
    legs = legs_of(logs, messages)
    inside = network.hosts[server_node].inside if server_node in network.hosts else ""
    udx = sent["payload"]["udx"] if sent else None
    stream = udx["id"] if udx else -1
    up = first(client, "stream-up", stream=stream)
    offered = replied["payload"]["udx"] if replied else None
    accepted = first(server, "connection-accepted", stream=offered["id"]) if offered else None
    answered_firewall = (sent["payload"], answer["payload"]) if sent and answer else None
    return result | {
        "noise": {
            "message_1": sent["message"] if sent else None,
            "message_2": replied["message"] if replied else None,
            "received_by_client": answer is not None,
            "client_payload": named(sent["payload"]) if sent else None,
            "server_payload": named(replied["payload"]) if replied else None,
            "client_ephemeral_secret_key": sent["ephemeral_secret_key"] if sent else None,
        },
        "handshake_hash": final["handshake_hash"] if final else None,
        "holepunch_secret": secret,
        "payloads": payloads,
        "tokens": {side: token_state(payloads, side) for side in ("server", "client")},
        "legs": legs,
        "roles": roles_of(node, server_node, legs, network),
        "client": side_of(node, client, secret, {each["puncher"] for each in made}),
        "server": side_of(server_node, server, secret, {each["puncher"] for each in remote_made})
        if server_node
        else None,
        "unanswered": [
            {
                "t": each["t"],
                "command": each["command"],
                "to": named(each["to"]),
                "code": each["code"],
                "message": each["message"],
            }
            for each in every(own, "unanswered")
        ],
        "outcome": "connected" if up else "failed",
        "path": path_of(client, stream, answered_firewall, network, inside) if up and answered_firewall else None,
        "connected": up["t"] if up else None,
        "server_accepted": accepted is not None,
    }


def _server_side(logs: dict[str, list[Event]], message: str) -> tuple[str | None, int | None]:
    for node, events in logs.items():
        found = first(events, "noise-received", initiator=False, message=message)
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
        for connect in every(events, "connect"):
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
