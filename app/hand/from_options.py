"""What the options of a command want done to datagrams."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from app.exit_status import CommandError, ExitStatus

if TYPE_CHECKING:
    from app.hand.rules import Intercepting, Rule


def intercepting_of(options: argparse.Namespace) -> Intercepting:
    """Rules and expression of the options, checked before anything is opened.

    Raises:
        CommandError: a file can't be read or is wrong, the expression does not parse or asks what nobody knows of a
            datagram, or messages would be held with nobody there to let them go.
    """
    from app.hand.rules import NO_INTERCEPTING, Deed, Intercepting

    if not (options.intercept or options.rules or options.preset):
        return NO_INTERCEPTING
    from app.hand.asking import AskedTooMuchError, datagram_filter
    from capture.filter.errors import FilterError

    rules = _rules(options)
    try:
        datagram_filter(options.intercept)
    except FilterError as error:
        raise CommandError(ExitStatus.BAD_FILTER, f"--intercept: {error}") from None
    except AskedTooMuchError as error:
        raise CommandError(ExitStatus.USAGE, f"--intercept: {error}") from None
    if options.headless:
        nobody = "with --headless there is nobody to let held messages go"
        if options.intercept:
            raise CommandError(ExitStatus.USAGE, f"--intercept: {nobody}; --rules does the rest unattended")
        holding = next((rule for rule in rules if Deed.HOLD in rule.deeds), None)
        if holding is not None:
            raise CommandError(ExitStatus.USAGE, f"rule {holding.name!r} holds: {nobody}")
    return Intercepting(rules, options.intercept)


def _rules(options: argparse.Namespace) -> tuple[Rule, ...]:
    from app.hand.preset_files import preset
    from app.hand.rules import RulesError
    from app.hand.rules_reading import load_rules

    found: list[Rule] = []
    try:
        for path in options.rules:
            found += load_rules(path).rules
        for name in dict.fromkeys(options.preset):
            found += preset(name).rules
    except RulesError as error:
        raise CommandError(ExitStatus.USAGE, str(error)) from None
    names = [rule.name for rule in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise CommandError(ExitStatus.USAGE, f"two rules are called {twice!r}")
    return tuple(found)
