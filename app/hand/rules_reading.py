"""Reading rules files: TOML in, `app.hand.rules.Rules` or the place of the first thing that is wrong out."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.hand.asking import AskedTooMuchError, datagram_filter
from app.hand.rules import Deed, Per, Rule, Rules, RulesError
from protocol.editing.checking import check_field
from protocol.editing.kinds import read_address
from protocol.editing.values import EditError
from protocol.intercept.values import PATIENCE, Direction
from protocol.messages import Address

if TYPE_CHECKING:
    from capture.filter import Filter

LARGEST_FILE: Final = 1 << 20
MOST_RULES: Final = 1000
LONGEST_WAIT: Final = 86_400.0
MOST_TIMES: Final = 10**9


def load_rules(path: str) -> Rules:
    """Read a rules file.

    Raises:
        RulesError: it can't be read, or is none.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise RulesError(path, f"a rules file of more than {LARGEST_FILE} bytes")
        text = content.decode("utf-8")
    except OSError as error:
        raise RulesError(path, f"it can't be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise RulesError(path, f"byte {error.start} is no UTF-8") from None
    return parse_rules(text, path)


def parse_rules(text: str, origin: str) -> Rules:
    """Read rules.

    Args:
        text: TOML.
        origin: what errors and lists call where they are from.

    Raises:
        RulesError: they are none.
    """
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RulesError(origin, f"it is no TOML: {error}") from None
    odd = [key for key in table if key not in ("says", "rule")]
    if odd:
        raise RulesError(origin, f"{odd[0]!r} is no key of a rules file; it has says, rule")
    says, rules = table.get("says", ""), table.get("rule", [])
    if not isinstance(says, str):
        raise RulesError(origin, "says: a text is due")
    if not isinstance(rules, list) or not all(isinstance(one, dict) for one in rules):
        raise RulesError(origin, "rule: tables are due, each under [[rule]]")
    if len(rules) > MOST_RULES:
        raise RulesError(origin, f"{len(rules)} rules are more than {MOST_RULES}")
    if not rules:
        raise RulesError(origin, "there is no [[rule]] in it")
    read = tuple(_rule(one, number, origin) for number, one in enumerate(rules, 1))
    names = [rule.name for rule in read]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RulesError(origin, f"two rules are called {twice!r}")
    return Rules(read, says.strip())


class _Keys:
    """The keys of one rule, each taken once."""

    def __init__(self, table: dict[str, Any], place: str) -> None:
        self._left = dict(table)
        self.place = place

    def wrong(self, key: str, reason: str) -> RulesError:
        """An error of this rule."""
        return RulesError(self.place, f"{key}: {reason}")

    def text(self, key: str, default: str | None = None) -> str | None:
        """A text."""
        value = self._left.pop(key, default)
        if value is not None and not isinstance(value, str):
            raise self.wrong(key, "a text is due")
        return value

    def number(self, key: str, default: float | None, lowest: float, highest: float) -> float | None:
        """A number within bounds."""
        value = self._left.pop(key, default)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not lowest <= value <= highest:
            raise self.wrong(key, f"a number from {lowest:g} to {highest:g} is due")
        return value

    def whole(self, key: str, default: int | None, lowest: int, highest: int) -> int | None:
        """A whole number within bounds."""
        value = self.number(key, default, lowest, highest)
        if value is not None and value != int(value):
            raise self.wrong(key, "a whole number is due")
        return None if value is None else int(value)

    def filter(self, key: str) -> Filter | None:
        """An expression."""
        text = self.text(key)
        if text is None:
            return None
        from capture.filter.errors import FilterError

        try:
            return datagram_filter(text)
        except (FilterError, AskedTooMuchError) as error:
            raise self.wrong(key, str(error)) from None

    def take(self, key: str) -> Any:
        """Whatever is there, or None."""
        return self._left.pop(key, None)

    def finish(self, known: str) -> None:
        """Refuse what nobody took."""
        if self._left:
            raise RulesError(self.place, f"{next(iter(self._left))!r} is no key of a rule; it has {known}")


_KEYS: Final = (
    "name, match, do, set, direction, times, skip, after, per, seconds, copies, behind, patience, to, ttl, on"
)


def _rule(table: dict[str, Any], number: int, origin: str) -> Rule:
    keys = _Keys(table, f"{origin}: rule {number}")
    name = (keys.text("name") or f"{Path(origin).stem}-{number}").strip()
    keys.place = f"{origin}: rule {name!r}"
    match = keys.filter("match")
    if match is None:
        raise RulesError(keys.place, "match is missing: the expression that says which datagrams")
    deeds = _deeds(keys)
    changes = _changes(keys, deeds)
    direction = _word(keys, "direction", Direction)
    rule = Rule(
        name,
        match,
        deeds,
        changes,
        direction,
        keys.whole("times", None, 1, MOST_TIMES),
        keys.whole("skip", 0, 0, MOST_TIMES) or 0,
        keys.filter("after"),
        _word(keys, "per", Per) or Per.ALL,
        keys.number("seconds", None, 0, LONGEST_WAIT),
        keys.whole("copies", 1, 1, 1000) or 1,
        keys.whole("behind", 1, 1, 1000) or 1,
        keys.number("patience", PATIENCE, 0, LONGEST_WAIT) or 0.0,
        _address(keys),
        keys.whole("ttl", None, 1, 255),
        origin,
        _switch(keys),
    )
    keys.finish(_KEYS)
    if Deed.DELAY in deeds and rule.seconds is None:
        raise RulesError(keys.place, "seconds is missing: by how much to delay")
    if Deed.REDIRECT in deeds and rule.to is None:
        raise RulesError(keys.place, "to is missing: where to redirect to, as host:port")
    return rule


def _deeds(keys: _Keys) -> tuple[Deed, ...]:
    wanted = keys.take("do")
    words = [wanted] if isinstance(wanted, str) else wanted
    if not isinstance(words, list) or not words:
        raise keys.wrong("do", f"one of {', '.join(Deed)} is due, or a list of them")
    for word in words:
        if word not in tuple(Deed):
            raise keys.wrong("do", f"{word!r} is none of {', '.join(Deed)}")
    return tuple(dict.fromkeys(Deed(word) for word in words))


def _changes(keys: _Keys, deeds: tuple[Deed, ...]) -> dict[str, str]:
    changes = keys.take("set")
    if (changes is not None) != (Deed.EDIT in deeds):
        raise keys.wrong("set", "what to edit is due" if changes is None else 'it needs do = "edit"')
    if changes is None:
        return {}
    if not isinstance(changes, dict) or not changes:
        raise keys.wrong("set", 'a table of fields is due, as { firewall = "RANDOM" }')
    found = {}
    for name, value in changes.items():
        text = ("yes" if value else "no") if isinstance(value, bool) else str(value)
        if isinstance(value, dict | list | float):
            raise keys.wrong(f"set.{name}", "a text is due")
        try:
            check_field(name, text)
        except EditError as error:
            raise keys.wrong("set", str(error)) from None
        found[name] = text
    return found


def _word(keys: _Keys, key: str, words: type[Any]) -> Any:
    text = keys.text(key)
    if text is None:
        return None
    try:
        return words(text)
    except ValueError:
        raise keys.wrong(key, f"{text!r} is none of {', '.join(str(word.value) for word in words)}") from None


def _address(keys: _Keys) -> Address | None:
    text = keys.text("to")
    if text is None:
        return None
    try:
        return read_address(text)
    except ValueError as error:
        raise keys.wrong("to", str(error)) from None


def _switch(keys: _Keys) -> bool:
    value = keys.take("on")
    if value is not None and not isinstance(value, bool):
        raise keys.wrong("on", "true or false is due")
    return value is not False
