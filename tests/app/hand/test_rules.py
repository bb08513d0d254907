"""Rules files: what they say, and what is refused with file, rule and key."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.exit_status import CommandError, ExitStatus
from app.hand.from_options import intercepting_of
from app.hand.preset_files import preset
from app.hand.preset_names import PRESET_NAMES
from app.hand.rules import Deed, Per, RulesError
from app.hand.rules_reading import LARGEST_FILE, load_rules, parse_rules
from protocol.intercept.values import Direction
from protocol.messages import Address

ONE = '[[rule]]\nmatch = "kind == punch"\n'


def test_everything_that_a_rule_can_say() -> None:
    rules = parse_rules(
        """
        says = "for a test"
        [[rule]]
        name = "first"
        match = "command == PEER_HOLEPUNCH"
        direction = "sent"
        do = ["edit", "redirect", "delay", "duplicate", "replay", "reorder", "hold"]
        set = { firewall = "RANDOM", punching = true, round = 7, ttl = "5" }
        to = "10.0.0.1:7"
        seconds = 1.5
        copies = 2
        behind = 3
        patience = 4
        times = 5
        skip = 6
        ttl = 9
        after = "mode == REPLY"
        per = "attempt"
        on = false
        [[rule]]
        match = "kind == punch"
        do = "drop"
        """,
        "my.toml",
    )
    assert rules.says == "for a test"
    first, second = rules.rules
    assert (first.name, first.match.text, first.direction) == ("first", "command == PEER_HOLEPUNCH", Direction.SENT)
    assert first.changes == {"firewall": "RANDOM", "punching": "yes", "round": "7", "ttl": "5"}
    assert (first.to, first.seconds, first.copies, first.behind) == (Address("10.0.0.1", 7), 1.5, 2, 3)
    assert (first.patience, first.times, first.skip, first.ttl, first.per) == (4, 5, 6, 9, Per.ATTEMPT)
    assert first.after is not None
    assert first.on is False
    assert first.does == (
        "set firewall = RANDOM, punching = yes, round = 7, ttl = 5; redirect to 10.0.0.1:7; delay by 1.5 s; "
        "duplicate 2 times; replay after 1.5 s; reorder behind the next 3; hold"
    )
    assert (second.name, second.deeds, second.does, second.origin) == ("my-2", (Deed.DROP,), "drop", "my.toml")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", r"there is no \[\[rule\]\]"),
        ("says = 3", "says: a text is due"),
        ("[rule]\nmatch = 'x'", "tables are due"),
        ("rules = 3", "'rules' is no key of a rules file"),
        ("[[rule]", "it is no TOML"),
        ("[[rule]]\ndo = 'drop'", "match is missing"),
        ("[[rule]]\nmatch = 3", "match: a text is due"),
        ("[[rule]]\nmatch = 'fire == 3'\ndo = 'drop'", "no field is named"),
        ("[[rule]]\nmatch = 'verdict == punched'\ndo = 'drop'", "verdict is known of an attempt"),
        (ONE, "do: one of hold, pass"),
        (ONE + "do = 'burn'", "'burn' is none of hold"),
        (ONE + "do = []", "do: one of"),
        (ONE + "do = 'edit'", "set: what to edit is due"),
        (ONE + "do = 'drop'\nset = { tid = '1' }", 'it needs do = "edit"'),
        (ONE + "do = 'edit'\nset = { fire = '1' }", "no message has such a field"),
        (ONE + "do = 'edit'\nset = { firewall = 'wall' }", "is none of UNKNOWN"),
        (ONE + "do = 'edit'\nset = { tid = 1.5 }", "a text is due"),
        (ONE + "do = 'edit'\nset = { tid = [1] }", "a text is due"),
        (ONE + "do = 'edit'\nset = 'tid'", "a table of fields is due"),
        (ONE + "do = 'delay'", "seconds is missing"),
        (ONE + "do = 'delay'\nseconds = -1", "a number from 0"),
        (ONE + "do = 'delay'\nseconds = 'long'", "a number from 0"),
        (ONE + "do = 'delay'\nseconds = nan", "a number from 0"),
        (ONE + "do = 'redirect'", "to is missing"),
        (ONE + "do = 'redirect'\nto = 'there'", "not host:port"),
        (ONE + "do = 'drop'\ntimes = 0", "from 1"),
        (ONE + "do = 'drop'\ntimes = 1.5", "a whole number"),
        (ONE + "do = 'drop'\ntimes = true", "a number from"),
        (ONE + "do = 'drop'\nper = 'day'", "none of all, attempt"),
        (ONE + "do = 'drop'\ndirection = 'up'", "none of received, sent"),
        (ONE + "do = 'drop'\non = 'no'", "true or false"),
        (ONE + "do = 'drop'\nwhen = 'now'", "'when' is no key of a rule"),
        (ONE + "do = 'drop'\nname = 'a'\n" + ONE + "do = 'drop'\nname = 'a'", "two rules are called 'a'"),
    ],
)
def test_what_is_no_rule(text: str, reason: str) -> None:
    with pytest.raises(RulesError, match=reason) as caught:
        parse_rules(text, "my.toml")
    assert caught.value.place.startswith("my.toml")


@given(st.text(max_size=200))
def test_any_text_is_rules_or_an_error(text: str) -> None:
    with pytest.raises(RulesError):
        parse_rules(text, "x")


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    odd, large = tmp_path / "odd.toml", tmp_path / "large.toml"
    odd.write_bytes(b"\xff")
    large.write_bytes(b"#" * (LARGEST_FILE + 1))
    for path, reason in (
        (odd, "no UTF-8"),
        (large, "more than"),
        (tmp_path, "directory"),
        (tmp_path / "no", "No such"),
    ):
        with pytest.raises(RulesError, match=reason):
            load_rules(str(path))


@pytest.mark.parametrize("name", PRESET_NAMES)
def test_presets_say_what_they_are_for(name: str) -> None:
    rules = preset(name)
    assert rules.says
    assert all(rule.name.startswith(name) and rule.on for rule in rules.rules)
    assert not any(Deed.HOLD in rule.deeds for rule in rules.rules)


def test_no_such_preset() -> None:
    with pytest.raises(RulesError, match="there are lost-reply"):
        preset("bad-luck")


def options(**given: object) -> argparse.Namespace:
    return argparse.Namespace(**{"intercept": "", "rules": [], "preset": [], "headless": True, **given})


def test_options(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text(ONE + "do = 'drop'")
    wanted = intercepting_of(options(rules=[str(path)], preset=["lost-reply", "lost-reply"]))
    assert [rule.name for rule in wanted.rules] == ["my-1", "lost-reply"]
    assert intercepting_of(options(intercept="kind == punch", headless=False)).expression == "kind == punch"
    assert intercepting_of(options()).rules == ()


@pytest.mark.parametrize(
    ("given_options", "reason", "status"),
    [
        ({"intercept": "kind =="}, "--intercept", ExitStatus.BAD_FILTER),
        ({"intercept": "verdict == punched", "headless": False}, "known of an attempt", ExitStatus.USAGE),
        ({"intercept": "kind == punch"}, "nobody to let", ExitStatus.USAGE),
        ({"rules": ["/nowhere/at/all.toml"]}, "can't be read", ExitStatus.USAGE),
    ],
)
def test_options_that_can_not_be_done(given_options: dict[str, object], reason: str, status: ExitStatus) -> None:
    with pytest.raises(CommandError, match=reason) as caught:
        intercepting_of(options(**given_options))
    assert caught.value.status is status


def test_holding_needs_somebody(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text(ONE + "do = 'hold'")
    with pytest.raises(CommandError, match="'my-1' holds"):
        intercepting_of(options(rules=[str(path)]))
    assert intercepting_of(options(rules=[str(path)], headless=False)).rules
    with pytest.raises(CommandError, match="two rules"):
        intercepting_of(options(rules=[str(path), str(path)], headless=False))
