"""Texts in the user's own editor or pager, while the inspector steps aside.

The text is in a file of the user alone, which is gone when the program ends. Capturing, a node of ours and the demo go
on meanwhile: the event loop runs, only nothing is painted.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import SuspendNotSupported

if TYPE_CHECKING:
    from textual.app import App


class NoProgramError(Exception):
    """The program can't be started; the message says why."""


def program(set_: str, variables: Sequence[str], otherwise: str, environment: Mapping[str, str]) -> list[str]:
    """Words of the command line of an editor or pager.

    Args:
        set_: what the configuration says; empty for nothing.
        variables: environment variables that may name it, best first.
        otherwise: what is taken if nothing is said.
        environment: where the variables are.

    Raises:
        NoProgramError: the quoting is wrong.
    """
    text = set_ or next((environment[name] for name in variables if environment.get(name)), otherwise)
    try:
        return shlex.split(text)
    except ValueError as error:
        raise NoProgramError(f"{text!r} is no command line: {error}") from None


def editor(set_: str, environment: Mapping[str, str] = os.environ) -> list[str]:
    """The editor: of the configuration, ``VISUAL``, ``EDITOR``, or vi."""
    return program(set_, ("VISUAL", "EDITOR"), "vi", environment)


def pager(set_: str, environment: Mapping[str, str] = os.environ) -> list[str]:
    """The pager: of the configuration, ``PAGER``, or less."""
    return program(set_, ("PAGER",), "less", environment)


async def show_outside(app: App[Any], command: Sequence[str], name: str, text: str) -> None:
    """Open a text in a program and come back when it ends.

    Args:
        app: steps aside.
        command: words of the command line, to which the path is added.
        name: what the text is; becomes the name of the file.
        text: the text.

    Raises:
        NoProgramError: it can't be started, or this terminal can't be handed on.
    """
    await edit_outside(app, command, name, text)


async def edit_outside(app: App[Any], command: Sequence[str], name: str, text: str) -> str:
    """Open a text in an editor; what it is when that ends.

    Args:
        app: steps aside.
        command: words of the command line, to which the path is added.
        name: what the text is; becomes the name of the file.
        text: the text.

    Raises:
        NoProgramError: it can't be started, this terminal can't be handed on, or what was written is no text.
    """
    with tempfile.TemporaryDirectory(prefix="peephole-") as folder:
        path = Path(folder, f"{re.sub(r'[^A-Za-z0-9.-]+', '-', name).strip('-') or 'text'}.txt")
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        await run_outside(app, [*command, str(path)])
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise NoProgramError(f"what was written can't be read: {error}") from None


async def run_outside(app: App[Any], command: Sequence[str]) -> None:
    """Run a program in place of the inspector, until it ends.

    Raises:
        NoProgramError: it can't be started, or this terminal can't be handed on.
    """
    try:
        with app.suspend(), app.batch_update():
            try:
                process = await asyncio.create_subprocess_exec(*command)
            except OSError as error:
                raise NoProgramError(f"{command[0]} can't be started: {error.strerror or error}") from None
            await process.wait()
    except SuspendNotSupported:
        raise NoProgramError("this terminal can't be handed to another program") from None
    app.refresh(layout=True)
