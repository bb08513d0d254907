"""Which shell gets which script."""

from __future__ import annotations

from app.command_grammar import commands, filter_words, theme_words


def script(shell: str) -> str:
    """What ``bash``, ``zsh`` or ``fish`` reads to complete `peephole`.

    Raises:
        ValueError: another shell.
    """
    from app.completion import bash, fish, zsh

    writers = {"bash": bash.write, "zsh": zsh.write, "fish": fish.write}
    if shell not in writers:
        raise ValueError(f"no completion for {shell}")
    return writers[shell](commands(), filter_words(), theme_words())
