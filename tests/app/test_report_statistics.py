"""Statistics on the command line: as text and as JSON, of all attempts or of those that pass a filter."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from capture.course import Stage
from tests.app.running import SAMPLE, Run, run

__all__ = ["run"]


def documents(run: Run, *options: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The statistics, and the report on the same attempts."""
    status, counted, _ = run("report", str(SAMPLE), "--statistics", "--json", *options)
    assert status == 0
    status, listed, _ = run("report", str(SAMPLE), "--json", *options)
    assert status == 0
    return json.loads(counted), json.loads(listed)


def test_they_count_what_the_report_lists(run: Run) -> None:
    for options in ((), ("--filter", "outcome == failed")):
        counted, listed = documents(run, *options)
        flows, found = listed["flows"], counted["statistics"]
        assert counted["version"] == listed["version"]
        assert counted["files"] == listed["files"]
        assert "flows" not in counted
        assert found["attempts"] == len(flows)
        assert found["outcomes"] == Counter(flow["outcome"] for flow in flows)
        assert {one["code"]: one["attempts"] for one in found["verdicts"]} == Counter(
            flow["verdict"]["code"] for flow in flows
        )
        assert sum(one["attempts"] for one in found["nat_pairs"]) == len(flows)
        assert sum(one["attempts"] for one in found["over_time"]["periods"]) == len(flows)


def test_stages_are_those_of_the_attempts(run: Run) -> None:
    counted, listed = documents(run)
    took: dict[str, list[float]] = {str(stage): [] for stage in Stage}
    begun: Counter[str] = Counter()
    for flow in listed["flows"]:
        for one in flow["stages"]:
            begun[one["stage"]] += 1
            if one["ended"] is not None:
                took[one["stage"]].append(one["ended"] - one["started"])
    for one in counted["statistics"]["stages"]:
        durations = took[one["stage"]]
        assert (one["begun"], one["ended"]) == (begun[one["stage"]], len(durations))
        if durations:
            assert abs(one["seconds"]["longest"] - max(durations)) < 1e-5
            assert sum(each["attempts"] for each in one["seconds"]["histogram"]) == len(durations)


def test_relays_are_those_of_the_attempts(run: Run) -> None:
    counted, listed = documents(run)
    named = {relay for flow in listed["flows"] for relay in flow["relays"]}
    found = {one["relay"]: one for one in counted["statistics"]["relays"]}
    assert named <= set(found)
    for one in found.values():
        assert 0 <= one["answered"] <= one["requests"] == sum(one["periods"])


def test_people_get_the_page(run: Run) -> None:
    status, out, _ = run("report", str(SAMPLE), "--statistics", "--filter", "verdict == punched")
    assert status == 0
    assert "attempts that pass verdict == punched" in out.splitlines()[0]
    assert "● punched" in out
    assert "Relays:" in out


def test_check_judges_what_is_counted(run: Run) -> None:
    assert run("report", str(SAMPLE), "--statistics", "--check")[0] == 10
    assert run("report", str(SAMPLE), "--statistics", "--check", "--filter", "outcome == connected")[0] == 0
