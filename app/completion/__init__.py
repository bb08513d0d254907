"""Completion for shells, made from the parsers of the commands: `script(shell)`."""

from app.completion.scripts import script

__all__ = ["script"]
