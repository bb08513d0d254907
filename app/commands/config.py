"""`peephole config`: where the configuration is, what holds and why, and whether it is sound."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Mapping

from app.cli import complain
from app.config import SETTINGS, ConfigError, Fault, Kind, Reading, read_config
from app.config.example import example, toml_of
from app.config.writing import file_to_edit
from app.exit_status import ExitStatus
from app.terminal_text import pad, safe_text


def run(options: argparse.Namespace) -> int:
    """Do what was asked for."""
    match options.what:
        case "path":
            return _path()
        case "example":
            sys.stdout.write(example())
        case "keys":
            _keys()
        case "check":
            return _check()
        case "edit":
            return _edit()
        case _:
            _show()
    return ExitStatus.OK


def _path() -> int:
    path = read_config().path
    if path is None:
        raise ConfigError("PEEPHOLE_CONFIG is set to nothing: no file is read")
    sys.stdout.write(f"{safe_text(str(path))}\n")
    return ExitStatus.OK


def _show() -> None:
    """Every setting with its value, as TOML, and where the value comes from."""
    reading = read_config()
    rows: list[tuple[str, str]] = []
    for setting in SETTINGS.values():
        value, origin = getattr(reading.config, setting.attribute), reading.origins[setting.name]
        if setting.kind is Kind.TABLE:
            assert isinstance(value, Mapping)
            rows += [(f"{setting.name}.{toml_of(key)} = {toml_of(name)}", str(origin)) for key, name in value.items()]
        else:
            rows.append((f"{setting.name} = {'unset' if value is None else toml_of(value)}", str(origin)))
    width = min(60, max(len(text) for text, _ in rows))
    for text, came in rows:
        sys.stdout.write(f"{pad(safe_text(text), max(width, len(text)))}  # {safe_text(came)}\n")
    _tell(_faults(reading))


def _keys() -> None:
    """Every action: id, keys, place, what it does."""
    from app.tui.keys.action import key_text
    from app.tui.keys.rebinding import rebind
    from app.tui.keys.registry import ACTIONS, every_action, use_keys

    keys, faults = rebind(read_config().config.keys, ACTIONS)
    use_keys(keys)
    actions = every_action()
    id_width = max(len(action.id) for action in actions)
    for context in dict.fromkeys(action.context for action in actions):
        sys.stdout.write(f"# {context}\n")
        for action in (action for action in actions if action.context is context):
            mark = "*" if action.id in keys else " "
            sys.stdout.write(f"{mark} {action.id:<{id_width}}  {pad(key_text(action.keys), 18)}  {action.help}\n")
    for id_, problem in faults:
        complain(f"keys.{id_}: {problem}")


def _check() -> int:
    reading = read_config()
    faults = _faults(reading)
    _tell(faults)
    if faults:
        return ExitStatus.USAGE
    if reading.path is None or not reading.path.exists():
        sys.stdout.write("There is no configuration file: every setting has its default.\n")
    else:
        sys.stdout.write(f"{safe_text(str(reading.path))} is sound.\n")
    return ExitStatus.OK


def _edit() -> int:
    """Open the file in the editor, then say what is wrong with it."""
    from app.tui.outside import NoProgramError, editor

    path = file_to_edit()
    try:
        words = editor(read_config().config.editor)
        subprocess.run([*words, str(path)], check=False)
    except NoProgramError as error:
        raise ConfigError(str(error)) from None
    except OSError as error:
        raise ConfigError(f"{words[0]} can't be started: {error.strerror or error}") from None
    return _check()


def _faults(reading: Reading) -> list[Fault]:
    from app.tui.config_check import every_fault

    return every_fault(reading)


def _tell(faults: list[Fault]) -> None:
    for fault in faults:
        complain(str(fault))
