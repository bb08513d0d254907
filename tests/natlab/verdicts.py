"""The verdict that a reader of the packets should reach, derived from what the nodes themselves logged."""

from __future__ import annotations

from typing import Any

Attempt = dict[str, Any]

ALSO_RIGHT = {"nat-remapped": {"probes-lost"}}
"""Verdicts of a scenario that the nodes' own logs can't tell from a more general one."""


def _unverified(server: dict[str, Any] | None) -> bool:
    """Whether the server refused to punch because no address of the client was verified."""
    if server is None:
        return False
    refused = any(each["started"] is False for each in server["punches"])
    offered = [each["addresses"] for each in server["punches"] if each["addresses"]]
    random = "RANDOM" in (server["firewall"]["final"], server["firewall"]["remote"])
    return refused and random and bool(offered) and not any(address["verified"] for address in offered[-1])


def _connected(attempt: Attempt) -> str:
    path = str(attempt["path"])
    if path != "open":
        return path
    open_server = attempt["noise"]["server_payload"]["firewall"] == "OPEN"
    return "open-server" if open_server else "open-client"


def _unanswered_round(attempt: Attempt) -> str:
    """`probe` or `punch` if a request of that round got no reply, else empty."""
    rounds = {each["wire"]: each["payload"] for each in attempt["payloads"] if each["act"] == "sent"}
    for each in attempt["unanswered"]:
        if each["command"] == "PEER_HOLEPUNCH" and each["code"] == "REQUEST_TIMEOUT" and each["message"] in rounds:
            return "punch" if rounds[each["message"]]["punching"] else "probe"
    return ""


def derive(attempt: Attempt) -> str:
    """The verdict code of one attempt (an entry of the truth's `attempts`); empty if the logs don't tell."""
    if attempt["outcome"] == "connected":
        return _connected(attempt)
    if attempt["id"] is None:
        return "peer-not-found"
    if not attempt["noise"]["received_by_client"]:
        return "handshake-unanswered"
    client, server = attempt["client"], attempt["server"]
    made = {each["code"] for each in attempt["errors_made"]}
    received = {
        each["payload"]["error"] for each in attempt["payloads"] if each["act"] == "received" and each["payload"]
    }
    if made & {"SERVER_ERROR", "SERVER_INCOMPATIBLE"}:
        return "handshake-refused"
    offer = attempt["noise"]["server_payload"]
    if "CANNOT_HOLEPUNCH" in made or (offer["firewall"] != "OPEN" and not offer["holepunch"]["relays"]):
        return "not-holepunchable"
    if server is not None and client["firewall"]["final"] == server["firewall"]["final"] == "RANDOM":
        return "both-nats-random"
    if 3 in received:
        return "try-later"
    unanswered = _unanswered_round(attempt)
    if unanswered:
        return f"{unanswered}-unanswered"
    if _unverified(server):
        return "unverified-address"
    if "HOLEPUNCH_PROBE_TIMEOUT" in made:
        return "nat-unknown"
    aborted = [each["side"] for each in attempt["payloads"] if each["act"] == "sent" and each["payload"]["error"] == 1]
    if aborted:
        return f"aborted-by-{aborted[0]}"
    if attempt["closed"] is None:
        return "aborted-by-client"  # ended without a word
    if client["probes"]["received"] > 0:
        return "stream-not-up"
    if any(each["event"] == "punch" for each in client["punches"]):
        return "probes-lost"
    answered = any(each["act"] == "received" and each["side"] == "client" for each in attempt["payloads"])
    if answered and "HOLEPUNCH_ABORTED" in made:
        return "aborted-by-client"  # said nothing: its own limit on random punches
    return ""


def _client_said_so(attempt: Attempt) -> bool:
    sent = [each for each in attempt["payloads"] if each["act"] == "sent" and each["side"] == "client"]
    return any(each["payload"]["error"] == 1 for each in sent)


def seen_from(attempt: Attempt) -> dict[str, dict[str, Any]]:
    """Captures that can't tell the expected verdict when no key is given, with what they may say instead, and why.

    The expected verdict is right everywhere.
    """
    expected, notes = attempt["expected"], {}
    for name, seen in (attempt["visible"] or {}).items():
        place = name.rstrip("-0123456789")
        if not seen["noise_1"]:
            continue
        if expected == "nat-remapped" and place in ("client", "server"):
            notes[name] = {"codes": ["probes-lost"], "why": "the inside of a NAT doesn't show its mapping"}
        elif expected in ("probe-unanswered", "punch-unanswered") and seen["payloads"] < seen["payloads_sent"]:
            codes = ["incomplete", "aborted-by-client"]
            notes[name] = {"codes": codes, "why": "the request without an answer never came by here"}
        elif expected in ("handshake-refused", "not-holepunchable"):
            codes = ["incomplete", "aborted-by-client", "stream-not-up"]
            notes[name] = {"codes": codes, "why": "the reason is inside the noise payload, which needs keys"}
        elif expected == "aborted-by-client" and not _client_said_so(attempt):
            notes[name] = {"codes": ["incomplete"], "why": "silence is told only from a capture that goes on after it"}
        elif expected == "stream-not-up" and place.startswith("server"):
            codes = ["incomplete", "probes-lost", "aborted-by-client"]
            notes[name] = {"codes": codes, "why": "that the punch got through shows only on the client's side"}
    return notes


def agree(expected: str, derived: str) -> bool:
    """Whether what the logs say is what the scenario was made for."""
    return derived == expected or derived in ALSO_RIGHT.get(expected, set())
