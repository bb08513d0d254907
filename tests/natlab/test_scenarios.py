"""Scenario files and the kept fixtures: no network is needed for these."""

from __future__ import annotations

import gzip
import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import pytest

from . import fixtures, scenario
from .verdicts import agree, derive

REPORT_CODES = {
    *("punched", "open-server", "open-client", "lan", "relayed", "upgraded", "peer-not-found"),
    *("handshake-unanswered", "handshake-refused", "not-holepunchable", "probe-unanswered", "punch-unanswered"),
    *("nat-unknown", "both-nats-random", "unverified-address", "try-later", "aborted-by-server"),
    *("aborted-by-client", "probes-lost", "nat-remapped", "stream-not-up"),
}
FOUND = sorted(path.parent.name for path in fixtures.FOLDER.glob("*/truth.json"))
HOLEPUNCH_NAMESPACE = hashlib.blake2b(
    hashlib.blake2b(b"hyperswarm/dht", digest_size=32).digest() + b"\x01", digest_size=32
).digest()


def _truth(name: str) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads((fixtures.FOLDER / name / "truth.json").read_text())
    return truth


@pytest.mark.parametrize("name", scenario.names())
def test_scenario_file_is_whole(name: str) -> None:
    chosen = scenario.load(name)
    assert chosen.title
    assert chosen.relays >= 10
    assert chosen.connects
    assert {connect.expect for connect in chosen.connects} <= REPORT_CODES | {""}


def test_every_verdict_has_a_scenario() -> None:
    expected = {connect.expect for name in scenario.names() for connect in scenario.load(name).connects}
    assert expected - {""} == REPORT_CODES


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('title = "x"\nspeed = 1\n', "unknown key speed"),
        ('title = "x"\n[[nat]]\nname = "a"\ncolour = "red"\n', "unknown key colour"),
        ('title = "x"\n[[client]]\nname = "c"\nnat = "nowhere"\n', "unknown NAT nowhere"),
        ('title = "x"\n[[connect]]\nclient = "nobody"\n', "unknown hosts"),
    ],
)
def test_a_mistake_in_a_scenario_is_named(
    text: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wrong.toml").write_text(text)
    monkeypatch.setattr(scenario, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match=complaint):
        scenario.load("wrong")


def test_an_unknown_scenario_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no scenario nothing; there are .*random-random"):
        scenario.load("nothing")


def test_every_scenario_is_kept_as_a_fixture() -> None:
    assert scenario.names() == FOUND


@pytest.mark.parametrize("name", FOUND)
def test_fixture_agrees_with_its_truth(name: str) -> None:
    """Ids and secrets follow from the bytes, what is said to be in a capture is there, and each side's own capture
    holds as many probes as that node says it sent.
    """
    truth = _truth(name)
    captures = {
        kept: gzip.decompress((fixtures.FOLDER / name / f"{kept}.pcap.gz").read_bytes()) for kept in truth["captures"]
    }
    for attempt in truth["attempts"]:
        assert derive(attempt) == attempt["derived"]
        assert agree(attempt["expected"], attempt["derived"])
        if attempt["id"] is None:
            continue
        first = bytes.fromhex(attempt["noise"]["message_1"])
        assert hashlib.blake2b(first, digest_size=32).digest()[:8].hex() == attempt["id"]
        if attempt["handshake_hash"]:
            final = bytes.fromhex(attempt["handshake_hash"])
            secret = hashlib.blake2b(HOLEPUNCH_NAMESPACE, key=final, digest_size=32).hexdigest()
            assert secret == attempt["holepunch_secret"]
        for kept, blob in captures.items():
            source = truth["captures"][kept]["vantage"]
            assert attempt["visible"][source]["noise_1"] == (first in blob)
        for side in ("client", "server"):
            seen = attempt["visible"][side]["probes"]
            if seen is None or attempt[side] is None or attempt["roles"][side]["node"] != side:
                continue
            for count in ("low_ttl", "normal", "ports"):
                assert seen[side][count] == attempt[side]["probes"][count]


@pytest.mark.parametrize("name", FOUND)
def test_fixture_holds_every_packet_that_was_captured(name: str) -> None:
    for kept, about in _truth(name)["captures"].items():
        blob = gzip.decompress((fixtures.FOLDER / name / f"{kept}.pcap.gz").read_bytes())
        at, packets = 24, 0
        while at < len(blob):
            at += 16 + struct.unpack_from("<I", blob, at + 8)[0]
            packets += 1
        assert at == len(blob)
        assert packets == about["captured"]
        assert about["dropped"] == 0


def test_fixtures_stay_small() -> None:
    assert sum(path.stat().st_size for path in fixtures.FOLDER.rglob("*") if path.is_file()) < 12_000_000
