"""The report as one JSON object, version 1. Names and meanings are a contract (docs/report.md): add, never change.

Times are epoch seconds as floats of microsecond resolution; keys, hashes and tokens are lower-case hex; an address is
``host:port``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from app.json_text import indented
from app.report_candidates import candidate, token_event
from app.wording import firewall_name
from capture.course import StageTime
from capture.error_origin import error_origin
from capture.model import (
    Evidence,
    FileSummary,
    Flow,
    FlowMessage,
    NatEvidence,
    Probes,
    Proxy,
    Round,
    Sighting,
    Step,
)
from protocol.messages import Address, HolepunchPayload, NoisePayload

REPORT_VERSION: Final = 1
"""Changes only if a name or a meaning of the report ever has to change."""

Json = dict[str, Any]
PathOf = Callable[[int], str]
"""Path of the file with that index."""


def report_document(
    files: Sequence[FileSummary], flows: Iterable[Flow], *, notes: Sequence[str] = (), secrets: bool = False
) -> Json:
    """The whole report.

    Args:
        files: what was read; messages and evidence name them by path.
        flows: the attempts to report, in the order to report them.
        notes: what was seen and is part of no attempt.
        secrets: whether to give the holepunch secrets away.
    """
    paths = [file.path for file in files]
    flow_documents = [flow_document(flow, paths.__getitem__, secrets=secrets) for flow in flows]
    return report_head(files, notes) | {"flows": flow_documents}


def report_pieces(
    files: Sequence[FileSummary], flows: Iterable[Flow], *, notes: Sequence[str] = (), secrets: bool = False
) -> Iterator[str]:
    """The text of `report_document`, indented by two and ended by a line break, in a piece for each attempt.

    What is in a piece need not stay in memory: a flow may be released when the next piece is asked for.
    """
    paths = [file.path for file in files]
    before = indented(report_head(files, notes)).removesuffix("\n}") + ',\n  "flows": ['
    after = "]\n}\n"
    for flow in flows:
        yield before + "\n    " + indented(flow_document(flow, paths.__getitem__, secrets=secrets), 2)
        before, after = ",", "\n  ]\n}\n"
    yield (before if before != "," else "") + after


def report_head(files: Sequence[FileSummary], notes: Sequence[str]) -> Json:
    """All of a report but what it reports on, which comes last."""
    return {"version": REPORT_VERSION, "files": [_file(file) for file in files], "notes": list(notes)}


def flow_document(flow: Flow, path_of: PathOf, *, secrets: bool = False) -> Json:
    """One attempt as the report and the JSON export give it."""
    key = flow.key

    def place(sighting: Sighting) -> Json:
        return _sighting(sighting, path_of)

    return {
        "id": flow.id,
        "started": seconds(flow.started),
        "duration": seconds(flow.duration),
        "target": flow.target.hex(),
        "server_public_key": _hex(key.server_public_key),
        "client_public_key": _hex(key.client_public_key),
        "client": _address(flow.client),
        "server": _address(flow.server),
        "relays": [str(relay) for relay in flow.relays],
        "key": {
            "source": None if key.source is None else str(key.source),
            "handshake_hash": _hex(key.handshake_hash),
            "holepunch_secret": _hex(key.holepunch_secret) if secrets else None,
            "opened": key.holepunch_secret is not None,
            "reason": key.reason or None,
            "proof": None if key.proof is None else _sighting(key.proof, path_of),
        },
        "noise": {
            "message_1": _noise(key.noise1, key.noise1_reason),
            "message_2": _noise(key.noise2, key.noise2_reason),
        },
        "firewall": {"client": firewall_name(flow.client_firewall), "server": firewall_name(flow.server_firewall)},
        "nat": {"client": _nat(flow.client_nat, path_of), "server": _nat(flow.server_nat, path_of)},
        "outcome": str(flow.outcome),
        "path": None if flow.path is None else str(flow.path),
        "verdict": _verdict(flow, path_of),
        "fast_open": flow.fast_open,
        "proxies": [_proxy(one, path_of) for one in flow.proxies],
        "rounds": [_round(flow, number, one) for number, one in enumerate(flow.rounds)],
        "tokens": {"server": str(flow.server_token), "client": str(flow.client_token)},
        "token_events": [token_event(one, place, seconds) for one in flow.token_events],
        "candidates": [candidate(one, place, seconds) for one in flow.candidates],
        "probes": {"client": _probes(flow.client_probes), "server": _probes(flow.server_probes)},
        "lanes": [
            {
                "id": lane.id,
                "role": str(lane.role),
                "addresses": [str(address) for address in lane.addresses],
                "inside": [str(address) for address in lane.inside],
                "sockets": lane.sockets,
            }
            for lane in flow.lanes
        ],
        "messages": [_message(message, path_of) for message in flow.messages],
        "stages": [] if flow.course is None else [_stage(one) for one in flow.course.stages],
        "bursts": [_burst(step, path_of) for step in flow.steps if step.message is None and step.sighting is not None],
        "missing": [_missing(step) for step in flow.steps if step.sighting is None],
        "notes": list(flow.notes),
    }


def seconds(value: float) -> float:
    """Seconds at the resolution a report keeps, so that equal times print equal."""
    return round(value, 6)


def _file(file: FileSummary) -> Json:
    return {
        "path": file.path,
        "format": file.format,
        "packets": file.packets,
        "dht_messages": file.dht_messages,
        "undecodable": file.undecodable,
        "duplicates": file.duplicates,
        "dropped": file.dropped,
        "truncated": file.truncated,
        "clock_offset": seconds(file.clock_offset),
        "clock_drift": round(file.clock_drift, 9),
        "notes": list(file.notes),
    }


def _verdict(flow: Flow, path_of: PathOf) -> Json:
    verdict, error = flow.verdict, error_origin(flow)
    return {
        "code": str(verdict.code),
        "summary": verdict.summary,
        "evidence": [_evidence(evidence, path_of) for evidence in verdict.evidence],
        "advice": verdict.advice,
        "inferred": verdict.inferred,
        "application_error": verdict.application_error,
        "masked_error": None if error is None else error.masked,
        "error_origin": None if error is None or error.origin is None else error.origin.name.lower().replace("_", "-"),
    }


def _proxy(proxy: Proxy, path_of: PathOf) -> Json:
    return {
        "of": "client" if proxy.of_client else "server",
        "address": str(proxy.address),
        "in_rounds": proxy.in_rounds,
        "punched": proxy.punched,
        "hand_off": None if proxy.hand_off is None else _sighting(proxy.hand_off, path_of),
    }


def _evidence(evidence: Evidence, path_of: PathOf) -> Json:
    return _sighting(evidence.sighting, path_of) | {"says": evidence.says}


def _sighting(sighting: Sighting, path_of: PathOf) -> Json:
    return {"file": path_of(sighting.file), "frame": sighting.frame}


def _round(flow: Flow, number: int, one: Round) -> Json:
    return {
        "round": one.round,
        "punching": one.punching,
        "relay": _address(one.relay),
        "tid": one.tid,
        "sent": seconds(one.sent),
        "answered": None if one.answered is None else seconds(one.answered),
        "retransmissions": one.retransmissions,
        "request": _payload(one.request),
        "reply": _payload(one.reply),
        "request_reason": one.request_reason or None,
        "reply_reason": one.reply_reason or None,
        "messages": [index for index, message in enumerate(flow.messages) if message.round == number],
    }


def _payload(payload: HolepunchPayload | None) -> Json | None:
    if payload is None:
        return None
    return {
        "error": payload.error,
        "firewall": firewall_name(payload.firewall),
        "round": payload.round,
        "connected": payload.connected,
        "punching": payload.punching,
        "addresses": _addresses(payload.addresses),
        "remote_address": _address(payload.remote_address),
        "token": _hex(payload.token),
        "remote_token": _hex(payload.remote_token),
    }


def _noise(payload: NoisePayload | None, reason: str) -> Json:
    if payload is None:
        return {"opened": False, "reason": reason or None}
    return {
        "opened": True,
        "version": payload.version,
        "error": payload.error,
        "firewall": firewall_name(payload.firewall),
        "holepunch": None
        if payload.holepunch is None
        else {
            "id": payload.holepunch.id,
            "relays": [
                {"relay_address": str(relay.relay_address), "peer_address": str(relay.peer_address)}
                for relay in payload.holepunch.relays
            ],
        },
        "addresses4": _addresses(payload.addresses4),
        "addresses6": _addresses(payload.addresses6),
        "udx": None
        if payload.udx is None
        else {
            "version": payload.udx.version,
            "reusable_socket": payload.udx.reusable_socket,
            "id": payload.udx.id,
            "seq": payload.udx.seq,
        },
        "secret_stream_version": payload.secret_stream_version,
        "relay_through": None
        if payload.relay_through is None
        else {"version": payload.relay_through.version, "public_key": payload.relay_through.public_key.hex()},
        "relay_addresses": _addresses(payload.relay_addresses),
    }


def _nat(nat: NatEvidence | None, path_of: PathOf) -> Json | None:
    if nat is None:
        return None
    return {
        "announced": firewall_name(nat.announced),
        "classified": firewall_name(nat.classified),
        "rule": nat.rule,
        "samples": [
            {
                "time": seconds(sample.time),
                "socket": str(sample.socket),
                "seen_as": str(sample.seen_as),
                "seen_by": str(sample.seen_by),
                **_sighting(sample.sighting, path_of),
            }
            for sample in nat.samples
        ],
    }


def _probes(probes: Probes) -> Json:
    return {
        "low_ttl": probes.low_ttl,
        "normal": probes.normal,
        "ports": probes.ports,
        "received": probes.received,
    }


def _message(message: FlowMessage, path_of: PathOf) -> Json:
    sealed = message.payload
    return {
        "file": path_of(message.sighting.file),
        "frame": message.sighting.frame,
        "time": seconds(message.time),
        "command": message.command,
        "kind": message.kind,
        "mode": message.mode,
        "tid": message.tid,
        "src": _text(message.src),
        "dst": _text(message.dst),
        "from": str(message.from_role),
        "to": str(message.to_role),
        "retransmission": message.retransmission,
        "round": message.round,
        "opened": None if sealed is None else sealed.plaintext is not None,
        "sealed_reason": None if sealed is None else sealed.reason or None,
        "copies": [_sighting(copy, path_of) for copy in message.copies],
    }


def _stage(one: StageTime) -> Json:
    ended = None if one.ended is None else seconds(one.ended)
    return {"stage": str(one.stage), "started": seconds(one.started), "ended": ended}


def _burst(step: Step, path_of: PathOf) -> Json:
    assert step.sighting is not None
    return {
        **_sighting(step.sighting, path_of),
        "kind": str(step.kind),
        "time": seconds(step.time),
        "from": step.from_lane,
        "to": step.to_lane,
        "count": step.count,
        "span": seconds(step.span),
        "ports": step.ports,
        "ttl": step.ttl,
        "lost": step.lost,
        "first_hit": None if step.first_hit is None else _sighting(step.first_hit, path_of),
    }


def _missing(step: Step) -> Json:
    return {"time": seconds(step.time), "from": step.from_lane, "to": step.to_lane, "expected": step.label}


@lru_cache(maxsize=65536)
def _text(address: Address) -> str:
    """Few addresses make up a capture, and each is in many messages."""
    return str(address)


def _address(address: Address | None) -> str | None:
    return None if address is None else _text(address)


def _addresses(addresses: tuple[Address, ...] | None) -> list[str] | None:
    return None if addresses is None else [_text(address) for address in addresses]


def _hex(raw: bytes | None) -> str | None:
    return None if raw is None else raw.hex()
