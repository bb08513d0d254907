"""Judging: the most specific verdict that the packets of an attempt prove.

Rules are tried from the end of an attempt to its beginning: a stream that is up outweighs whatever went wrong on the
way, and a stated error outweighs silence. Each rule either proves its verdict with packets or passes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from capture.flows.facts import Facts
from capture.flows.relaying import RelayLink
from capture.flows.verdicts.classes import both_random
from capture.flows.verdicts.handshakes import handshake
from capture.flows.verdicts.judgement import Judgement, incomplete
from capture.flows.verdicts.on_behalf import passed_on
from capture.flows.verdicts.paths import connected, half_stream, relayed
from capture.flows.verdicts.punching import after_punching
from capture.flows.verdicts.rounds import client_abort, server_abort, silent_client, try_later, unanswered_round

_RULES: Final[tuple[Callable[[Facts, list[RelayLink]], Judgement | None], ...]] = (
    relayed,
    connected,
    passed_on,
    handshake,
    try_later,
    both_random,
    server_abort,
    client_abort,
    unanswered_round,
    half_stream,
    after_punching,
    silent_client,
)


def judge(facts: Facts, links: list[RelayLink]) -> Judgement:
    """Judge an attempt that has at least one handshake or holepunch leg."""
    for rule in _RULES:
        judgement = rule(facts, links)
        if judgement is not None:
            return judgement
    return incomplete(facts, "nothing in this capture says how it ended")
