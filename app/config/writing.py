"""Writing settings back into the file: only what changes, so that comments and order stay."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.config.place import VARIABLE, config_path
from app.config.settings import SETTINGS, Kind, Setting
from app.config.trouble import ConfigError, nearest

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

_HEAD = "# Settings of Peephole; `peephole config example` shows all of them.\n\n"


def keep(changes: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Path:
    """Write settings into the configuration file; give its path.

    Args:
        changes: values by dotted name; None takes a setting out of the file. For a table (``keys``, ``aliases``) a
            mapping of the entries that change, where None takes an entry out.
        environment: variables that say where the file is.

    Raises:
        ConfigError: there is no such setting, the value is not allowed, or the file is damaged or can't be written.
            Nothing was written then.
    """
    path = config_path(environment)
    if path is None:
        raise ConfigError(f"nothing can be kept: {VARIABLE} is set to nothing")
    text = _present(path)
    document = _parsed(path, text)
    for name, value in changes.items():
        _set(document, _setting(name), value)
    _replace(path, document.as_string() if text or not changes else _HEAD + document.as_string())
    return path


def file_to_edit(environment: Mapping[str, str] = os.environ) -> Path:
    """Path of the file for an editor; one that is not there yet is made, with every setting in it commented out.

    Raises:
        ConfigError: there is to be none, or it can't be written.
    """
    from app.config.example import example

    path = config_path(environment)
    if path is None:
        raise ConfigError(f"there is no file to edit: {VARIABLE} is set to nothing")
    if not path.exists():
        _replace(path, example())
    return path


def _setting(name: str) -> Setting:
    if name not in SETTINGS:
        raise ConfigError(f"{name}: there is no such setting{nearest(name, SETTINGS)}")
    return SETTINGS[name]


def _present(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8: mend it first, nothing was written") from None
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror or error}") from None


def _parsed(path: Path, text: str) -> TOMLDocument:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        return tomlkit.parse(text)
    except (TOMLKitError, ValueError) as error:
        raise ConfigError(f"{path} is not TOML ({error}): mend it first, nothing was written") from None


def _set(document: TOMLDocument, setting: Setting, value: Any) -> None:
    if setting.kind is Kind.TABLE:
        entries = _table(document, setting.name, value is not None)
        for key, one in (value or {}).items():
            _put(entries, key, one)
        if value is None:
            document.pop(setting.name, None)
        return
    table, _, key = setting.name.rpartition(".")
    _check(setting, value)
    _put(_table(document, table, value is not None) if table else document, key, value)


def _check(setting: Setting, value: Any) -> None:
    from app.config.reading import of_toml

    if value is not None:
        try:
            of_toml(setting, list(value) if isinstance(value, tuple) else value)
        except ValueError as error:
            raise ConfigError(f"{setting.name}: {error}") from None


def _table(document: TOMLDocument, name: str, make: bool) -> Any:
    import tomlkit

    found = document.get(name)
    if found is None:
        found = tomlkit.table()
        if make:
            document[name] = found
    if not isinstance(found, Mapping):
        raise ConfigError(f"{name} is no table in the file: mend it first, nothing was written")
    return found


def _put(table: Any, key: str, value: Any) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = list(value) if isinstance(value, tuple) else value


def _replace(path: Path, text: str) -> None:
    """Put the new content in the place of the old in one step; a link stays a link, and rights stay as they are."""
    import tempfile

    target = Path(os.path.realpath(path))
    temporary = ""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".config-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, mode)
        os.replace(temporary, target)
    except OSError as error:
        if temporary:
            with suppress(OSError):
                os.unlink(temporary)
        raise ConfigError(f"{path} can't be written: {error.strerror or error}") from None
