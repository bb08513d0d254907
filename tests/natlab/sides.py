"""One side of an attempt: NAT samples, firewall, token secret, punches and probes, as that node logged them."""

from __future__ import annotations

from typing import Any

from .logs import FIREWALL, Event, every, first, named

LOW_TTL = 5
LISTED_PROBES = 40
"""Up to so many probes of one side are listed one by one; more are only counted."""


def _probes(events: list[Event], punchers: set[int]) -> dict[str, Any]:
    sent = every(events, "probe-sent", where=lambda each: each["puncher"] in punchers)
    received = every(events, "punch-received", where=lambda each: each["puncher"] in punchers)
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
            {"t": one["t"], "ttl": one["ttl"], "from_port": one["socket_port"], "to": named(one["to"])} for one in sent
        ]
    return summary


def side_of(node: str, events: list[Event], secret: str | None, punchers: set[int]) -> dict[str, Any]:
    """What one side of an attempt knew and did."""
    sockets = {each["socket"] for each in every(events, "puncher-socket") if each["puncher"] in punchers}
    samples = [
        {
            "t": each["t"],
            "from_port": each["socket_port"],
            "address": named(each["address"]),
            "by": named(each["from"]),
            "firewall": FIREWALL[each["firewall"]],
            "frozen": each["frozen"],
        }
        for each in every(events, "nat-sample", where=lambda each: each["socket"] in sockets)
    ]
    ends = every(events, "puncher-destroyed", where=lambda each: each["puncher"] in punchers)
    sent = every(events, "payload-encrypted", where=lambda each: secret is not None and each["secret"] == secret)
    firewalls = [FIREWALL[each["payload"]["firewall"]] for each in sent]
    keys = first(events, "payload-keys", secret=secret) if secret else None
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
        "reopened": len(every(events, "puncher-reopened", where=lambda each: each["puncher"] in punchers)),
        "punches": [
            {
                "t": each["t"],
                "event": each["event"],
                "started": each.get("started"),
                "addresses": each.get("remote_addresses"),
            }
            for each in every(events, "punch", "punch-started", where=lambda each: each["puncher"] in punchers)
        ],
        "probes": _probes(events, punchers),
    }
