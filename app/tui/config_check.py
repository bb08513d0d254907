"""What is wrong with settings that name things of the screens: themes, columns, keys."""

from __future__ import annotations

from collections.abc import Iterator

from app.config import Config, Fault, Reading
from app.config.lines import line_of
from app.config.trouble import nearest


def named_wrong(config: Config) -> Iterator[tuple[str, str]]:
    """Dotted name of a setting, and what is wrong with its value."""
    from textual.theme import BUILTIN_THEMES

    from app.draw.attempt_columns import BY_ID
    from app.naming import sound_names
    from app.tui.keys.rebinding import rebind
    from app.tui.keys.registry import ACTIONS
    from app.tui.themes import THEMES, short_name, theme_name

    themes = {short_name(theme.name): theme for theme in (*BUILTIN_THEMES.values(), *THEMES)}
    if short_name(theme_name(config.theme)) not in themes:
        yield "theme", f"there is no theme {config.theme!r}{nearest(config.theme, themes)}"
    for column in (*(config.list_columns or ()), config.list_sort):
        if column not in BY_ID:
            setting = "list.sort" if column == config.list_sort else "list.columns"
            yield setting, f"there is no column {column!r}{nearest(column, BY_ID) or '; t shows all'}"
    for what, name in config.aliases.items():
        for problem in sound_names({what: name})[1]:
            yield f"aliases.{what}", problem
    for id_, problem in rebind(config.keys, ACTIONS).faults:
        yield f"keys.{id_}", problem


def every_fault(reading: Reading) -> list[Fault]:
    """What is wrong with a configuration, with what only the screens know."""
    text = ""
    if reading.path is not None and reading.path.is_file() and not any(fault.fatal for fault in reading.faults):
        text = reading.path.read_text(encoding="utf-8")
    faults = list(reading.faults)
    for name, problem in named_wrong(reading.config):
        setting = name if name in reading.origins else name.partition(".")[0]
        origin = reading.origins[setting]
        line = line_of(text, name) or origin.line
        faults.append(Fault(origin.source, line, name, problem))
    return faults
