"""Comparing one vantage's flows with the ground truth of the run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capture.model import Flow, Role
from capture.story import Keys, Story
from protocol.constants import Firewall
from protocol.messages import HolepunchPayload, NoisePayload

Truth = dict[str, Any]

VANTAGES = ("client", "nat", "server", "wan")

TOPICS = ("seen", "secret", "payloads", "verdict", "nat", "tokens", "roles", "probes", "keyed")
MERGED_PUNCHES = 0.01
"""Part of a side's punches that several captures together may count wrongly. Of one byte, a punch has nothing that
tells it from the next: when a busy machine loses some and lets out others late, nothing says which ones."""
KEYLOG = ("logs/keys.log", "keys.log")
"""Where the nodes' own key log is, in a run and among the fixtures."""
LOSSY = "loss"
"""The scenario whose network loses packets behind every place where they are captured."""
UNANSWERED = ("probe-unanswered", "punch-unanswered")
NEEDS_KEYS = "handshake-refused"
"""The scenario whose cause is inside a noise message."""

LIMITS: dict[tuple[str, str], dict[str, str]] = {
    ("handshake-refused", ""): {"incomplete": "the refusal is inside noise message 2: needs keys"},
    ("no-relays", "server"): {"incomplete": "the client's packets die at the server's NAT"},
    ("client-killed", ""): {"incomplete": "the capture ends with the client's last packet"},
    ("random-limit", ""): {"incomplete": "where the capture ends with the answer, silence shows nothing"},
    ("relay-killed-before-probe", "server"): {"incomplete": "no PEER_HOLEPUNCH reaches the server"},
    ("relay-killed-before-punch", "server"): {"incomplete": "the punch round does not reach the server"},
    ("one-way-block", "server"): {"incomplete": "the client's stream does not reach the server's network"},
    ("streams-dropped", "server"): {"incomplete": "the client's stream does not reach the server's network"},
    ("remapped-port", "client"): {"probes-lost": "the mapping is beyond this network"},
    ("remapped-port", "server"): {"probes-lost": "the mapping is beyond this network"},
}
"""What a vantage can say at most without keys, by scenario and vantage (all of them where empty), and why."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One topic of one attempt from one vantage."""

    attempt: str
    topic: str
    right: bool
    says: str


def load_truth(folder: Path) -> Truth:
    truth: Truth = json.loads((folder / "truth.json").read_text())
    return truth


def captures(folder: Path, vantage: str) -> list[str]:
    """Files of a vantage; `merged` is all four together."""
    names = VANTAGES if vantage == "merged" else (vantage,)
    found = [folder / f"{name}{ending}" for name in names for ending in (".pcap.gz", ".pcap")]
    return [str(path) for path in found if path.exists()]


def compare(folder: Path, vantage: str) -> list[Mark]:
    """All marks of one vantage of one run."""
    truth = load_truth(folder)
    story = Story.open(captures(folder, vantage))
    flows = {flow.id: flow for flow in story.flows}
    marks: list[Mark] = []
    for attempt in truth["attempts"]:
        flow = flows.get(attempt["id"])
        if attempt["id"] is None:
            flow = next((one for one in story.flows if one.target.hex() == attempt["target"]), None)
        if flow is None:
            visible = _visible(attempt, vantage, truth)
            marks.append(Mark(attempt["label"], "seen", not visible, "" if not visible else "no such flow"))
            continue
        marks.append(Mark(attempt["label"], "seen", True, ""))
        marks.extend(compare_flow(truth, attempt, flow, vantage))
    known = {attempt["id"] for attempt in truth["attempts"]}
    searched = {attempt["target"] for attempt in truth["attempts"] if attempt["id"] is None}
    for flow in story.flows:
        if flow.id not in known and flow.target.hex() not in searched:
            marks.append(Mark(flow.id, "seen", False, f"a flow the truth does not know: {flow.verdict.code}"))
    keylog = next((folder / name for name in KEYLOG if (folder / name).exists()), None)
    return marks if keylog is None else marks + _compare_keyed(folder, vantage, truth, keylog)


def _compare_keyed(folder: Path, vantage: str, truth: Truth, keylog: Path) -> list[Mark]:
    """The same capture with the nodes' key log: both noise messages open, and what was beyond a reader is said."""
    story = Story.open(captures(folder, vantage), Keys(keylogs=(str(keylog),)))
    attempts = {attempt["id"]: attempt for attempt in truth["attempts"] if attempt["id"]}
    marks = [Mark("key log", "keyed", False, error) for error in story.keylog_errors]
    for flow in story.flows:
        attempt = attempts.get(flow.id)
        if attempt is None:
            continue
        for number, noise, side, key in (
            (1, _noise1_seen(flow), "client", flow.key.noise1),
            (2, _noise2_seen(flow), "server", flow.key.noise2),
        ):
            sent = attempt["noise"][f"{side}_payload"]
            if not noise or sent is None:
                continue
            ours = None if key is None else noise_json(key)
            right = ours == {name: sent[name] for name in ours or sent}
            marks.append(Mark(attempt["label"], "keyed", right, f"noise message {number}: {ours} is not {sent}"))
        code, codes = flow.verdict.code, accepted_codes(truth, attempt, vantage)
        if truth["scenario"] == NEEDS_KEYS and _noise2_seen(flow):
            codes = {attempt["expected"]}
        if codes:
            marks.append(Mark(attempt["label"], "keyed", code in codes, f"with keys {code} is not {codes}"))
    return marks


def _visible(attempt: Truth, vantage: str, truth: Truth) -> bool:
    """Whether this vantage must have seen a handshake of the attempt."""
    if not attempt.get("requests"):
        return False
    if vantage in ("wan", "merged"):
        return True
    client_at = _host_of(truth, attempt, "client")
    server_at = _host_of(truth, attempt, "server")
    first_client = next((host for host in truth["hosts"] if host["role"] == "client"), None)
    first_server = next((host for host in truth["hosts"] if host["role"] == "server"), None)
    if vantage in ("client", "nat"):
        return client_at is not None and first_client is not None and client_at["nat"] == first_client["nat"]
    reached = any(leg["node"] == "server" or leg["node"].startswith("server") for leg in attempt.get("legs", ()))
    return reached and server_at is not None and first_server is not None and server_at["nat"] == first_server["nat"]


def _host_of(truth: Truth, attempt: Truth, side: str) -> Truth | None:
    node = (attempt.get(side) or {}).get("node")
    return next((host for host in truth["hosts"] if host["name"] == node), None)


def compare_flow(truth: Truth, attempt: Truth, flow: Flow, vantage: str) -> list[Mark]:
    label = attempt["label"]
    marks: list[Mark] = []

    def mark(topic: str, right: bool, says: str = "") -> None:
        marks.append(Mark(label, topic, right, "" if right else says))

    secret = attempt.get("holepunch_secret")
    if secret and _both_noise_seen(flow):
        rebuilt = flow.key.holepunch_secret
        mark("secret", rebuilt is not None and rebuilt.hex() == secret, f"{rebuilt!r} is not {secret}")
    payloads = {entry["wire"]: entry["payload"] for entry in attempt.get("payloads", ())}
    for message in flow.messages:
        if message.payload is None or message.command != "PEER_HOLEPUNCH":
            continue
        if message.payload.sealed.hex() not in payloads:
            continue  # A payload that its receiver never logged, as when the process died.
        if message.payload.plaintext is None:
            mark(
                "payloads",
                not _both_noise_seen(flow),
                f"#{message.sighting.frame} stays closed: {message.payload.reason}",
            )
    for number, one in enumerate(flow.rounds):
        for name, payload in (("request", one.request), ("reply", one.reply)):
            if payload is None:
                continue
            sealed = [message.payload for message in flow.messages if message.round == number]
            bodies = [each.sealed.hex() for each in sealed if each is not None]
            expected = [payloads[body] for body in bodies if body in payloads]
            ours = payload_json(payload)
            mark("payloads", ours in expected, f"round {number} {name}: {ours} not in {expected}")
    codes = accepted_codes(truth, attempt, vantage)
    how = " (inferred)" if flow.verdict.inferred else ""
    if codes:
        mark("verdict", flow.verdict.code in codes, f"{flow.verdict.code}{how} is not {codes}: {flow.verdict.summary}")
    for side, got in (("client", flow.client_firewall), ("server", flow.server_firewall)):
        stated = last_stated(attempt, side, flow)
        if stated is not None:
            class_name = None if got is None else Firewall(got).name
            mark("nat", class_name == stated, f"{side} {class_name} is not {stated}")
    for side, token in (("server", flow.server_token), ("client", flow.client_token)):
        expected_state = token_state(attempt, side, bodies_of(flow))
        mark("tokens", token == expected_state, f"{side}'s token {token} is not {expected_state}")
    marks.extend(_roles(truth, attempt, flow, label))
    for side, probes in (("client", flow.client_probes), ("server", flow.server_probes)):
        counted = (attempt.get(side) or {}).get("probes")
        own = {"client": ("client", "merged"), "server": ("server", "merged")}[side]
        if counted is None or vantage not in own or not at_vantage(truth, attempt, side):
            continue
        found, expected_counts = (probes.low_ttl, probes.normal), (counted["low_ttl"], counted["normal"])
        one_for_one = zip(found, expected_counts, strict=True)
        off = max(0 if mine == sent else abs(mine - sent) / max(1, sent) for mine, sent in one_for_one)
        mark(
            "probes",
            off <= (MERGED_PUNCHES if vantage == "merged" else 0),
            f"{side} {found} is not {expected_counts}",
        )
    return marks


def accepted_codes(truth: Truth, attempt: Truth, vantage: str) -> set[str]:
    """The verdict of the ground truth, and those that say as much as this vantage can know.

    Where the peers' luck brought another end than the scenario was made for, what they logged is the truth; empty if
    that does not tell.
    """
    expected = attempt["expected"] if attempt["right"] else attempt["derived"]
    if not expected:
        return set()
    if expected == "aborted-by-client" and vantage == "server" and not _says_abort(attempt):
        return {"incomplete"}  # Silence only shows where the silent one's packets would.
    if truth["scenario"] == LOSSY and expected in UNANSWERED and vantage not in ("client", "nat", "merged"):
        # An answer that passed here may be lost on its last way: the client's silence then looks like an abort.
        return {expected, "aborted-by-client", "incomplete"}
    limits = LIMITS.get((truth["scenario"], vantage)) or LIMITS.get((truth["scenario"], "")) or {}
    return {expected, *limits}


def _says_abort(attempt: Truth) -> bool:
    return any(entry["side"] == "client" and entry["payload"]["error"] for entry in attempt["payloads"])


def at_vantage(truth: Truth, attempt: Truth, side: str) -> bool:
    """Whether the side's host stands where the capture of its name was taken."""
    host = _host_of(truth, attempt, side)
    first = next((one for one in truth["hosts"] if one["role"] == side), None)
    return host is not None and first is not None and host["nat"] == first["nat"]


def _both_noise_seen(flow: Flow) -> bool:
    return _noise1_seen(flow) and _noise2_seen(flow)


def _noise1_seen(flow: Flow) -> bool:
    return bool(_handshake_modes(flow) & {"FROM_CLIENT", "FROM_RELAY", "FROM_SECOND_RELAY"})


def _noise2_seen(flow: Flow) -> bool:
    return bool(_handshake_modes(flow) & {"FROM_SERVER", "REPLY"})


def _handshake_modes(flow: Flow) -> set[str | None]:
    return {message.mode for message in flow.messages if message.command == "PEER_HANDSHAKE"}


def noise_json(payload: NoisePayload) -> Truth:
    """The parts of a noise payload that the truth holds in the same words."""
    udx = payload.udx
    return {
        "error": payload.error,
        "firewall": Firewall(payload.firewall).name,
        "addresses4": [str(address) for address in payload.addresses4],
        "udx": udx and {"reusable_socket": udx.reusable_socket, "id": udx.id, "seq": udx.seq},
    }


def payload_json(payload: HolepunchPayload) -> Truth:
    """A payload in the truth's words."""
    return {
        "error": payload.error,
        "firewall": Firewall(payload.firewall).name,
        "round": payload.round,
        "connected": payload.connected,
        "punching": payload.punching,
        "addresses": None if payload.addresses is None else [str(address) for address in payload.addresses],
        "remote_address": None if payload.remote_address is None else str(payload.remote_address),
        "token": payload.token and payload.token.hex(),
        "remote_token": payload.remote_token and payload.remote_token.hex(),
    }


def last_stated(attempt: Truth, side: str, flow: Flow) -> str | None:
    """The last class the side stated in a payload that this capture shows; fillers of aborts do not count."""
    bodies = {
        message.payload.sealed.hex()
        for message in flow.messages
        if message.payload and message.command == "PEER_HOLEPUNCH"
    }
    stated = [
        entry["payload"]["firewall"]
        for entry in attempt.get("payloads", ())
        if entry["side"] == side
        and entry["act"] == "sent"
        and entry["wire"] in bodies
        and not (entry["payload"]["error"] and entry["payload"]["firewall"] == "UNKNOWN")
    ]
    return stated[-1] if stated else None


def bodies_of(flow: Flow) -> set[str]:
    """Sealed payloads that this capture shows."""
    return {
        message.payload.sealed.hex()
        for message in flow.messages
        if message.payload and message.command == "PEER_HOLEPUNCH"
    }


def token_state(attempt: Truth, side: str, bodies: set[str]) -> str:
    """The life of a side's token as both processes logged it, by the payloads that this capture shows."""
    issued: list[str] = []
    state = "not-issued"
    other = "client" if side == "server" else "server"
    for entry in attempt.get("payloads", ()):
        payload = entry["payload"]
        if entry["act"] != "sent" or entry["wire"] not in bodies:
            continue
        if entry["side"] == side and payload["token"]:
            issued.append(payload["token"])
            state = "issued" if state == "not-issued" else state
        if entry["side"] == other and payload["remote_token"]:
            state = "verified" if payload["remote_token"] in issued else "mismatch"
    own = attempt.get(side) or {"punches": ()}
    punched = [one["addresses"] for one in own["punches"] if one["addresses"]]
    if state == "verified" and side == "server" and punched and not any(one["verified"] for one in punched[-1]):
        return "not-accepted"
    return state


def _roles(truth: Truth, attempt: Truth, flow: Flow, label: str) -> list[Mark]:
    """Client and server by their outside hosts, and every relay of a logged leg is a relay lane."""
    marks = []
    for side, got in (("client", flow.client), ("server", flow.server)):
        host = _host_of(truth, attempt, side)
        if host is None or got is None:
            continue
        right = got.host in (host["outside"], host["inside"])
        marks.append(Mark(label, "roles", right, "" if right else f"{side} {got} is not {host['outside']}"))
    relays = set(truth["relays"])
    lanes = {
        str(address)
        for lane in flow.lanes
        if "relay" in lane.role and lane.role != Role.BLIND_RELAY
        for address in lane.addresses
    }
    carried = {request["to"] for request in attempt.get("requests", ()) if request["command"] in (0, 1)}
    wrong = {lane for lane in lanes if lane not in carried} & relays
    marks.append(Mark(label, "roles", not wrong, f"{wrong} relayed nothing"))
    return marks
