"""Options for what is listened on, in the order in which they were given: an interface is one of the host before it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """Where packets come from; the names of the options."""

    INTERFACE = "interface"
    SSH = "ssh"
    READ = "read"


class InOrder(argparse.Action):
    """Keeps what was said last, or all interfaces, and in `inputs` the order in which options were given."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - as argparse calls it
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        """One more."""
        value = str(values)
        namespace.inputs = (*namespace.inputs, (Kind(self.dest), value))
        known: list[str] = getattr(namespace, self.dest) or []
        setattr(namespace, self.dest, [*known, value] if self.dest == Kind.INTERFACE else value)
