"""`peephole export`: which attempt, which form, where to, and who may read it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from tests.app.mermaid_structure import parse_diagram, parse_diagrams
from tests.app.running import PUNCHED, Run, run

__all__ = ["run"]

FIXTURES = Path(__file__).parent.parent / "fixtures"
SEED = parse_diagrams((FIXTURES / "seed" / "holepunch.md").read_text())


@pytest.mark.parametrize("form", ["text", "mermaid", "svg", "json"])
def test_every_form_of_a_real_attempt(run: Run, form: str) -> None:
    status, out, err = run("export", PUNCHED, "--flow", punched_id(run), "--format", form)
    assert (status, err) == (0, "")
    assert "PEER_HOLEPUNCH" in out or "HOLEPUNCH" in out


def punched_id(run: Run) -> str:
    _, out, _ = run("report", "--json", PUNCHED)
    return str(json.loads(out)["flows"][0]["id"])


def test_the_beginning_of_an_id_is_enough(run: Run) -> None:
    flow_id = punched_id(run)
    whole = run("export", PUNCHED, "--flow", flow_id, "--format", "json")
    assert run("export", PUNCHED, "--flow", flow_id[:3].upper(), "--format", "json") == whole


def test_an_id_that_is_not_there(run: Run) -> None:
    status, out, err = run("export", PUNCHED, "--flow", "zz", "--format", "json")
    assert (status, out) == (2, "")
    assert err == f"peephole: --flow zz is no attempt in here; there are {punched_id(run)}\n"


def test_rounds(run: Run) -> None:
    flow_id = punched_id(run)
    _, out, _ = run("export", PUNCHED, "--flow", flow_id, "--format", "mermaid", "--round", "1")
    assert "client relay node (dht)" in out
    status, _, err = run("export", PUNCHED, "--flow", flow_id, "--format", "mermaid", "--round", "7")
    assert (status, err) == (2, "peephole: the attempt has no round 7: its rounds are 0, 1\n")
    assert run("export", PUNCHED, "--flow", flow_id, "--format", "text", "--round", "1")[0] == 2


def test_rounds_of_two_attempts_are_branches_of_one(run: Run) -> None:
    capture = str(FIXTURES / "proxied" / "seed.pcap.gz")
    _, out, _ = run("report", "--json", capture)
    flows = [flow for flow in json.loads(out)["flows"] if flow["proxies"]]
    of_server = [flow["id"] for flow in flows if flow["proxies"][0]["of"] == "server"]
    of_client = [flow["id"] for flow in flows if flow["proxies"][0]["of"] == "client"]
    chosen = ("export", capture, "--format", "mermaid", "--flow")
    status, out, _ = run(*chosen, of_server[0], "--beside", of_server[1], "--round", "1")
    assert (status, parse_diagram(out)) == (0, SEED[5])
    status, out, _ = run(*chosen, of_client[0], "--beside", of_client[1], "--round", "1")
    assert (status, parse_diagram(out)) == (0, SEED[3])
    masked = run(*chosen, of_client[0], "--beside", of_client[1], "--round", "1", "--redact")
    assert masked[0] == 0
    assert run(*chosen, of_client[0], "--beside", of_server[1], "--round", "1") == (
        2,
        "",
        "peephole: --beside: the attempts have no proxy, or other participants\n",
    )
    assert run(*chosen, of_client[0], "--beside", of_client[1])[0] == 2


def test_into_a_file(run: Run, tmp_path: Path) -> None:
    flow_id, out = punched_id(run), tmp_path / "a.svg"
    out.write_text("something longer that was there before" * 10_000)
    assert run("export", PUNCHED, "--flow", flow_id, "--format", "svg", "-o", str(out)) == (0, "", "")
    assert out.read_text().endswith("</svg>\n")
    status, _, err = run("export", PUNCHED, "--flow", flow_id, "--format", "svg", "-o", str(tmp_path / "no" / "x"))
    assert status == 2
    assert err == f"peephole: {tmp_path}/no/x can't be written: No such file or directory\n"


def test_secrets_are_for_the_owner_alone(run: Run, tmp_path: Path) -> None:
    flow_id, out = punched_id(run), tmp_path / "a.json"
    out.touch(0o644)
    assert run("export", PUNCHED, "--flow", flow_id, "--format", "json", "--secrets", "-o", str(out))[0] == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert json.loads(out.read_text())["key"]["holepunch_secret"]
    assert run("export", PUNCHED, "--flow", flow_id, "--format", "svg", "--secrets")[0] == 2
