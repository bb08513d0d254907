"""The report contract: every name that docs/report.md promises, with its type, on drawn and on real attempts."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from app.export_json import json_export
from app.report_json import REPORT_VERSION, flow_document, report_document, seconds
from capture.model import FileSummary, Flow
from capture.story import Story
from tests.app.flows_by_hand import BOTH_RANDOM, CONSISTENT_RANDOM, FAST_OPEN, SEALED, STORY, UNANSWERED

LAB = Path(__file__).parent.parent / "fixtures" / "lab"
PATHS = [file.path for file in STORY.files]

HEX = re.compile(r"[0-9a-f]*")
FIREWALLS = ("UNKNOWN", "OPEN", "CONSISTENT", "RANDOM", None)
TOKENS = ("not-issued", "issued", "verified", "mismatch", "address-changed", "not-echoed", "not-accepted", "unreadable")


def is_address(value: object) -> bool:
    return isinstance(value, str) and value.rpartition(":")[2].isdigit()


def check_payload(payload: Any) -> None:
    if payload is None:
        return
    assert isinstance(payload["error"], int)
    assert payload["firewall"] in FIREWALLS
    assert isinstance(payload["round"], int)
    assert isinstance(payload["connected"], bool)
    assert isinstance(payload["punching"], bool)
    assert payload["addresses"] is None or all(map(is_address, payload["addresses"]))
    assert payload["remote_address"] is None or is_address(payload["remote_address"])
    for name in ("token", "remote_token"):
        assert payload[name] is None or (HEX.fullmatch(payload[name]) and len(payload[name]) == 64)


def check_flow(flow: Any) -> None:
    """The contract of one flow, field by field as the documentation lists them."""
    assert re.fullmatch(r"[0-9a-f]{16}", flow["id"])
    assert isinstance(flow["started"], float)
    assert isinstance(flow["duration"], float)
    assert HEX.fullmatch(flow["target"])
    assert flow["server_public_key"] is None or HEX.fullmatch(flow["server_public_key"])
    for side in ("client", "server"):
        assert flow[side] is None or is_address(flow[side])
        assert flow["firewall"][side] in FIREWALLS
        assert flow["tokens"][side] in TOKENS
        for count in ("low_ttl", "normal", "ports"):
            assert isinstance(flow["probes"][side][count], int)
    assert all(map(is_address, flow["relays"]))
    assert flow["key"]["source"] in ("captured", "given", "keylog", "own", None)
    assert {"handshake_hash", "holepunch_secret"} <= flow["key"].keys()
    assert flow["outcome"] in ("connected", "failed", "unknown")
    assert flow["path"] in ("punched", "open", "lan", "relayed", "upgraded", None)
    verdict = flow["verdict"]
    assert {"code", "summary", "evidence", "advice", "inferred"} <= verdict.keys()
    assert isinstance(verdict["inferred"], bool)
    for evidence in verdict["evidence"]:
        assert isinstance(evidence["file"], str)
        assert evidence["frame"] >= 1
    assert isinstance(flow["fast_open"], bool)
    for one in flow["rounds"]:
        assert one["round"] is None or isinstance(one["round"], int)
        assert one["punching"] in (True, False, None)
        assert one["relay"] is None or is_address(one["relay"])
        assert isinstance(one["tid"], int)
        assert isinstance(one["sent"], float)
        assert one["answered"] is None or isinstance(one["answered"], float)
        assert isinstance(one["retransmissions"], int)
        check_payload(one["request"])
        check_payload(one["reply"])
    for one in flow["token_events"]:
        assert (one["of"], one["event"]) in product(("client", "server"), ("issued", "echoed"))
        assert one["state"] in TOKENS
        assert HEX.fullmatch(one["token"])
        assert 0 <= one["round"] < len(flow["rounds"])
        assert isinstance(one["in_reply"], bool)
        assert isinstance(one["time"], float)
        assert one["address"] is None or is_address(one["address"])
        assert one["age"] is None or isinstance(one["age"], float | int)
        assert one["recomputed"] in (True, False, None)
        assert one["frame"] >= 1
    for one in flow["candidates"]:
        assert one["of"] in ("client", "server")
        assert is_address(one["address"])
        assert set(one["sources"]) <= {"LAN", "public", "relay-told", "peer-stated", "observed"}
        assert one["state"] in ("waiting", "opened", "probing", "hit", "dead", "nominated")
        assert isinstance(one["unproven"], int)
        for tried in (one["sent"], one["received"]):
            assert all(isinstance(tried[name], int) for name in ("low_ttl", "normal", "pings", "ports", "sockets"))
            assert tried["arrived"] is None or isinstance(tried["arrived"], int)
        for packet in (one["named"], one["tried"], one["hit"]):
            assert packet is None or packet["frame"] >= 1
    for message in flow["messages"]:
        assert isinstance(message["file"], str)
        assert message["frame"] >= 1
        assert isinstance(message["time"], float)
        assert message["kind"] in ("request", "response")
        assert message["mode"] in ("FROM_CLIENT", "FROM_SERVER", "FROM_RELAY", "FROM_SECOND_RELAY", "REPLY", None)
        assert isinstance(message["command"], str)
        assert isinstance(message["tid"], int)
        assert is_address(message["src"])
        assert is_address(message["dst"])
        assert isinstance(message["from"], str)
        assert isinstance(message["to"], str)
        assert isinstance(message["retransmission"], bool)


def check_report(report: Any) -> None:
    assert report["version"] == REPORT_VERSION == 1
    for file in report["files"]:
        assert {"path", "format", "packets", "dht_messages", "undecodable", "duplicates", "truncated"} <= file.keys()
    for flow in report["flows"]:
        check_flow(flow)


def test_the_contract_holds_for_drawn_attempts() -> None:
    check_report(json.loads(json.dumps(report_document(STORY.files, STORY.flows, secrets=True))))


@pytest.mark.parametrize("capture", sorted(LAB.glob("*/*.pcap*")), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_the_contract_holds_for_captures(capture: Path) -> None:
    story = Story.open([str(capture)])
    report = json.loads(json.dumps(report_document(story.files, story.flows, notes=story.notes)))
    check_report(report)
    assert report["files"][0]["path"] == str(capture)


def test_secrets_only_on_demand() -> None:
    secret = FAST_OPEN.key.holepunch_secret
    assert secret is not None
    closed, opened = (json.dumps(report_document(STORY.files, [FAST_OPEN], secrets=given)) for given in (False, True))
    assert secret.hex() not in closed
    assert secret.hex() in opened
    assert secret.hex() not in json_export(FAST_OPEN, STORY.files)
    assert secret.hex() in json_export(FAST_OPEN, STORY.files, secrets=True)


def test_what_is_in_it() -> None:
    flow = flow_document(BOTH_RANDOM, PATHS.__getitem__)
    assert flow["verdict"]["code"] == "both-nats-random"
    assert flow["verdict"]["application_error"] == "HOLEPUNCH_ABORTED"
    assert flow["firewall"] == {"client": "RANDOM", "server": "RANDOM"}
    assert flow["tokens"] == {"server": "verified", "client": "not-issued"}
    assert [one["request"]["error"] for one in flow["rounds"]] == [0, 1]
    assert flow["messages"][0]["from"] == "client"
    assert flow["messages"][0]["to"] == "node"
    proof = BOTH_RANDOM.verdict.evidence[0]
    assert flow["verdict"]["evidence"][0] == {"file": "lab.pcapng", "frame": proof.sighting.frame, "says": proof.says}


def test_bursts_and_what_never_came_are_in_it() -> None:
    bursts = flow_document(CONSISTENT_RANDOM, PATHS.__getitem__)["bursts"]
    assert {"kind": "punch", "count": 660, "ports": 655}.items() <= bursts[-3].items()
    (missing,) = flow_document(UNANSWERED, PATHS.__getitem__)["missing"]
    assert missing["expected"] == "FROM_RELAY expected here, none seen"


def test_candidates_and_the_life_of_tokens_are_in_it() -> None:
    story = Story.open([str(LAB / "consistent-consistent" / "wan.pcap.gz")])
    (flow,) = story.flows
    document = flow_document(flow, [file.path for file in story.files].__getitem__)
    assert [(one["of"], one["event"]) for one in document["token_events"]] == [
        ("server" if one.by_server else "client", "echoed" if one.echo else "issued") for one in flow.token_events
    ]
    assert {one["state"] for one in document["token_events"]} == {"issued", "verified"}
    nominated = [one for one in document["candidates"] if one["state"] == "nominated"]
    assert {one["of"] for one in nominated} == {"client", "server"}
    assert all(one["sent"]["normal"] and one["verified"] for one in nominated)
    assert len(document["candidates"]) == len(flow.candidates)


def test_what_is_sealed_says_why() -> None:
    flow = flow_document(SEALED, PATHS.__getitem__, secrets=True)
    assert flow["key"]["source"] is None
    assert flow["key"]["holepunch_secret"] is None
    assert flow["key"]["reason"] == "no public key of this target in the capture"
    assert all(message["sealed_reason"] for message in flow["messages"])


def test_times_print_alike() -> None:
    assert seconds(0.1 + 0.2) == seconds(0.3)
    assert json.dumps(seconds(1_753_264_801.0200001)) == "1753264801.02"


def test_the_json_export_is_the_reports_flow() -> None:
    for flow in STORY.flows:
        assert json.loads(json_export(flow, STORY.files)) == report_document(STORY.files, [flow])["flows"][0]


def test_it_is_ascii_whatever_a_path_holds() -> None:
    files = (replace(STORY.files[0], path="\udc80\u202e\x1b\x9b.pcap"),)
    document: dict[str, Any] = report_document(files, STORY.flows)
    text = json.dumps(document)
    assert text.isascii()
    assert text.isprintable()
    assert json.loads(text)["files"][0]["path"] == files[0].path


def test_messages_name_the_file_they_came_from() -> None:
    files = (FileSummary("a", "pcap", 1, 1, 0, 0), FileSummary("b", "pcap", 1, 1, 0, 0))
    moved: Flow = replace(
        FAST_OPEN,
        messages=tuple(
            replace(one, sighting=replace(one.sighting, file=1), copies=(one.sighting,)) for one in FAST_OPEN.messages
        ),
    )
    messages = report_document(files, [moved])["flows"][0]["messages"]
    assert {one["file"] for one in messages} == {"b"}
    assert {one["copies"][0]["file"] for one in messages} == {"a"}
