"""The configuration as a file with every setting in it, each commented out and explained."""

from __future__ import annotations

from textwrap import wrap

from app.config.settings import SETTINGS, Kind, Setting, Value

_HEAD = """\
# Settings of Peephole. Every line below shows a default or an example and is commented out: take the # away to set it.
# Environment variables override this file, and options of the command line override those.
"""


def example() -> str:
    """TOML that sets nothing and shows everything."""
    lines = [_HEAD]
    table = ""
    for setting in SETTINGS.values():
        home = setting.name if setting.kind is Kind.TABLE else setting.name.rpartition(".")[0]
        explained = [f"# {line}" for line in wrap(_explained(setting), 116)]
        if setting.kind is Kind.TABLE:
            lines += [f"[{setting.name}]", *explained, f"# {setting.example}", ""]
        else:
            if home != table:
                lines += [f"[{home}]"]
            value = setting.example or toml_of(setting.default)
            lines += [*explained, f"# {setting.name.rpartition('.')[2]} = {value}", ""]
        table = home
    return "\n".join(lines).rstrip() + "\n"


def toml_of(value: Value) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(_quoted, value))}]"
    return _quoted(str(value))


def _explained(setting: Setting) -> str:
    allowed = f" Allowed: {setting.allowed}." if setting.kind is Kind.CHOICE else ""
    variable = f" ({setting.variable})" if setting.variable else ""
    return f"{setting.says}{allowed}{variable}"


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
