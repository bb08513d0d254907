"""Every captured run, from every vantage, says what the node processes logged of themselves."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from capture.keylog import Label, Secret, format_secrets
from capture.story import Keys, Story
from tests.truth.comparing import VANTAGES, Truth, captures, compare, load_truth, noise_json

FIXTURES = Path(__file__).parent.parent / "fixtures" / "lab"
FOLDERS = sorted(path.parent for path in FIXTURES.glob("*/truth.json"))
RUNS = [
    pytest.param(folder, vantage, id=f"{folder.name}-{vantage}")
    for folder, vantage in product(FOLDERS, (*VANTAGES, "merged"))
    if captures(folder, vantage)
]


def test_there_are_runs() -> None:
    assert len(FOLDERS) > 20
    assert len(RUNS) > 4 * len(FOLDERS)


@pytest.mark.parametrize(("folder", "vantage"), RUNS)
def test_nothing_is_wrong(folder: Path, vantage: str) -> None:
    marks = compare(folder, vantage)
    assert marks
    assert [f"{mark.attempt} {mark.topic}: {mark.says}" for mark in marks if not mark.right] == []


def seeds(truth: Truth) -> dict[str, bytes]:
    """Secret keys of the servers of a run; blind relays do not tell theirs."""
    keys = [key for host in truth["hosts"] for key in host["ready"].get("keys", ())]
    return {key["public_key"]: bytes.fromhex(key["secret_key"])[:32] for key in keys}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_servers_secret_key_opens_noise_message_1(folder: Path) -> None:
    truth = load_truth(folder)
    known = seeds(truth)
    story = Story.open(captures(folder, "wan"), Keys(secret_keys=tuple(known.values())))
    flows = {flow.id: flow for flow in story.flows}
    for attempt in truth["attempts"]:
        flow = flows.get(attempt["id"])
        if flow is None or attempt["server_public_key"] not in known:
            continue
        assert flow.key.noise1 is not None, flow.key.noise1_reason
        sent = attempt["noise"]["client_payload"]
        ours = noise_json(flow.key.noise1)
        assert ours == {name: sent[name] for name in ours}
        assert flow.key.client_public_key is not None
        assert flow.key.client_public_key.hex() == attempt["client_public_key"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_key_log_of_the_client_opens_its_identity(folder: Path, tmp_path: Path) -> None:
    truth = load_truth(folder)
    attempts = {attempt["id"]: attempt for attempt in truth["attempts"] if attempt["id"]}
    log = tmp_path / "keys.log"
    log.write_text(
        format_secrets(
            Secret(Label(label), bytes.fromhex(number), bytes.fromhex(value)[:32])
            for number, attempt in attempts.items()
            for label, value in (
                (Label.SERVER_PUBLIC_KEY, attempt["server_public_key"]),
                (Label.CLIENT_EPHEMERAL_KEY, attempt["noise"]["client_ephemeral_secret_key"]),
                (Label.HOLEPUNCH_SECRET, attempt["holepunch_secret"]),
            )
            if value
        )
    )
    story = Story.open(captures(folder, "wan"), Keys(keylogs=(str(log),)))
    assert story.keylog_errors == ()
    for flow in story.flows:
        if flow.id in attempts:
            assert flow.key.client_public_key is not None, flow.key.noise1_reason
            assert flow.key.client_public_key.hex() == attempts[flow.id]["client_public_key"]
