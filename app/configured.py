"""The configuration of a command: what the user has set, what its options say, and a word about what is wrong."""

from __future__ import annotations

import argparse

from app import names
from app.cli import complain
from app.config import Config, Reading, Value, read_config
from app.naming import given_names


def configured(options: argparse.Namespace) -> Reading:
    """What holds for an inspector: the configuration, under what the options give; names they give are in use.

    Raises:
        CommandError: an alias of the options names nothing.
    """
    names.use(given_names(options))
    given: dict[str, Value] = {}
    if getattr(options, "theme", None):
        given["theme"] = options.theme
    return read_config(options=given)


def configured_headless() -> Config:
    """What holds for a command without screens. What is wrong is said on standard error, and nothing stops."""
    reading = read_config()
    for fault in reading.faults:
        complain(f"{fault} (left out)")
    return reading.config


def packets_kept(options: argparse.Namespace) -> int:
    """How many packets a live run keeps in memory; 0 for all."""
    given: int | None = options.keep
    return read_config().config.live_packets if given is None else given
