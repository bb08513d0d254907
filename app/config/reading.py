"""Reading the configuration: defaults, then the file, then environment variables, then options of the command line.

What is wrong is a `Fault` and keeps its default, so that one bad line stops nothing. One setting errs on the safe side:
where ``redact`` or the whole file can't be understood, it holds.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from app.config.place import VARIABLE, config_path
from app.config.settings import SETTINGS, Config, Kind, Setting, Value
from app.config.trouble import Fault, nearest

LARGEST: Final = 100_000_000
"""Of a number."""

_SWITCHES: Final = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from."""

    source: str
    """``default``, ``option``, the name of a variable, or the path of the file."""
    line: int | None = None

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}, line {self.line}"


_DEFAULT: Final = Origin("default")


@dataclass(frozen=True, slots=True)
class Reading:
    """A configuration, how it came about, and what is wrong with it."""

    config: Config
    origins: Mapping[str, Origin]
    """By dotted name of every setting."""
    faults: tuple[Fault, ...]
    path: Path | None
    """The file, whether it is there or not."""


class _WrongValueError(ValueError):
    """The message says what is wrong and what is allowed."""


def load() -> Config:
    """What holds for this run, faults left out."""
    return read_config().config


def read_config(
    environment: Mapping[str, str] = os.environ, options: Mapping[str, Value] = MappingProxyType({})
) -> Reading:
    """Read everything that sets something.

    Args:
        environment: variables.
        options: values by dotted name that the command line gives; they win.
    """
    values: dict[str, Value] = {}
    origins = dict.fromkeys(SETTINGS, _DEFAULT)
    path = config_path(environment)
    faults = [] if path is None else _read_file(path, VARIABLE in environment, values, origins)
    if any(fault.fatal for fault in faults) and (path is None or path.exists()):
        values["redact"] = True
    for setting in SETTINGS.values():
        text = environment.get(setting.variable) if setting.variable else None
        if text is None:
            continue
        try:
            values[setting.name] = _of_text(setting, text)
            origins[setting.name] = Origin(setting.variable)
        except _WrongValueError as error:
            faults.append(Fault(setting.variable, None, "", str(error)))
            _err_on_the_safe_side(setting, values)
    for name, value in options.items():
        values[name] = value
        origins[name] = Origin("option")
    changes: dict[str, Any] = {SETTINGS[name].attribute: value for name, value in values.items()}
    return Reading(replace(Config(), **changes), origins, tuple(faults), path)


def _read_file(path: Path, named: bool, values: dict[str, Value], origins: dict[str, Origin]) -> list[Fault]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return [Fault(str(path), None, "", "no such file", fatal=True)] if named else []
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return [Fault(str(path), None, "", f"can't be read: {reason}", fatal=True)]
    import tomllib

    try:
        text = content.decode()
        tree = tomllib.loads(text)
    except UnicodeDecodeError as error:
        return [Fault(str(path), content.count(b"\n", 0, error.start) + 1, "", "is not UTF-8", fatal=True)]
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        from app.config.lines import told_line

        line, problem = told_line(str(error), text)
        return [Fault(str(path), line, "", f"is not TOML: {problem}", fatal=True)]
    return _adopt(tree, str(path), text, values, origins)


def _adopt(
    tree: Mapping[str, Any], source: str, text: str, values: dict[str, Value], origins: dict[str, Origin]
) -> list[Fault]:
    from app.config.lines import line_of

    faults: list[Fault] = []
    for name, raw in _flat(tree):
        line = line_of(text, name)
        setting = SETTINGS.get(name)
        if setting is None:
            faults.append(Fault(source, line, name, f"there is no such setting{_near(name)}"))
            continue
        if setting.kind is Kind.TABLE and isinstance(raw, dict):
            good: dict[str, str] = {}
            for key, value in raw.items():
                try:
                    good[key] = _joined(setting, value)
                except _WrongValueError as error:
                    at = f"{name}.{key}"
                    faults.append(Fault(source, line_of(text, at) or line, at, str(error)))
            values[name], origins[name] = MappingProxyType(good), Origin(source, line)
            continue
        try:
            values[name] = of_toml(setting, raw)
            origins[name] = Origin(source, line)
        except _WrongValueError as error:
            faults.append(Fault(source, line, name, str(error)))
            _err_on_the_safe_side(setting, values)
    return faults


def _flat(tree: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Dotted names and values; a setting that is a table stays whole."""
    found: list[tuple[str, Any]] = []
    for key, value in tree.items():
        if isinstance(value, dict) and key not in SETTINGS:
            found += [(f"{key}.{inner}", below) for inner, below in value.items()] or [(key, value)]
        else:
            found.append((key, value))
    tables = {name.partition(".")[0] for name in SETTINGS if "." in name}
    return [(name, value) for name, value in found if not (name in tables and value == {})]


def _near(name: str) -> str:
    if any(one.startswith(f"{name}.") for one in SETTINGS):
        return f"; [{name}] is a table of them"
    homes = [one for one in SETTINGS if one.rpartition(".")[2] == name.rpartition(".")[2]]
    if homes:
        return f"; did you mean {homes[0]}?"
    return nearest(name, SETTINGS) or "; `peephole config example` lists all"


def of_toml(setting: Setting, raw: Any) -> Value:
    """The value that TOML gives for a setting.

    Raises:
        ValueError: of another kind than wanted, or not one of the choices; the message says what is allowed.
    """
    kind = setting.kind
    if kind is Kind.SWITCH and isinstance(raw, bool):
        return raw
    if kind is Kind.NUMBER and isinstance(raw, int) and not isinstance(raw, bool) and 0 <= raw <= LARGEST:
        return raw
    if kind is Kind.TEXT and isinstance(raw, str):
        return raw
    if kind is Kind.CHOICE and isinstance(raw, str):
        return _chosen(setting, raw)
    if kind is Kind.WORDS and isinstance(raw, list) and all(isinstance(word, str) for word in raw):
        return tuple(raw)
    raise _WrongValueError(f"has to be {setting.allowed}, not {_shown(raw)}")


def _of_text(setting: Setting, text: str) -> Value:
    """The value that an environment variable gives."""
    if setting.kind is Kind.SWITCH:
        if text.lower() not in _SWITCHES:
            raise _WrongValueError(f"has to be {setting.allowed}, not {_shown(text)}")
        return _SWITCHES[text.lower()]
    if setting.kind is Kind.NUMBER:
        if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= LARGEST):
            raise _WrongValueError(f"has to be {setting.allowed}, not {_shown(text)}")
        return int(text)
    if setting.kind is Kind.CHOICE:
        return _chosen(setting, text)
    if setting.kind is Kind.WORDS:
        return tuple(word.strip() for word in text.split(",") if word.strip())
    return text


def _chosen(setting: Setting, text: str) -> str:
    if text in setting.choices or setting.open_ended:
        return text
    raise _WrongValueError(f"has to be {setting.allowed}, not {_shown(text)}{nearest(text, setting.choices)}")


def _joined(setting: Setting, value: Any) -> str:
    """A text of a table; of keys also a list."""
    if isinstance(value, list) and setting.name == "keys" and all(isinstance(one, str) for one in value):
        return ",".join(value)
    if not isinstance(value, str):
        wanted = "text, or a list of texts" if setting.name == "keys" else "text"
        raise _WrongValueError(f"has to be {wanted}, not {_shown(value)}")
    return value


def _shown(raw: Any) -> str:
    text = f'"{raw}"' if isinstance(raw, str) else str(raw).lower() if isinstance(raw, bool) else str(raw)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _err_on_the_safe_side(setting: Setting, values: dict[str, Value]) -> None:
    if setting.name == "redact":
        values["redact"] = True
