"""The casebook: keeps the flows of all attempts, works each out when it is asked for, and again when it changed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final

from capture.flows.attempt import Attempt
from capture.flows.copies import Copies
from capture.flows.facts import Facts
from capture.flows.freezing import Case, freeze
from capture.flows.gathering import OPENING_NS, Gatherer
from capture.flows.judging import judge
from capture.flows.relaying import relay_links
from capture.flows.tokens import token_lives
from capture.flows.traffic import Traffic
from capture.model import Flow, Outcome
from capture.table import PacketTable

SETTLING_NS: Final = 60_000_000_000
"""After so long without a packet nothing more is expected of an attempt: 35 s of random punches, with room."""


class Casebook:
    """Flows by noise message 1."""

    def __init__(self, table: PacketTable, attempts: dict[bytes, Attempt], traffic: Traffic, copies: Copies) -> None:
        self._table = table
        self._attempts = attempts
        self._traffic = traffic
        self._gatherer = Gatherer(traffic, copies)
        self._unclaimed: dict[bytes, None] = {}
        self._facts: dict[bytes, Facts] = {}
        self._cases: dict[bytes, Case] = {}
        self._unsettled: dict[bytes, None] = {}
        """Attempts that were judged while their end was open."""
        self.flows: dict[bytes, Flow] = {}

    def update(self, changed: Iterable[bytes]) -> list[Flow]:
        """Make new flows of attempts that changed, by their legs or by packets at their endpoints.

        Returns:
            The new flows.
        """
        stale = dict.fromkeys(changed)
        self._unclaimed.update(stale)
        for endpoint in self._traffic.fresh:
            stale.update(dict.fromkeys(self._gatherer.claimants(endpoint)))
        self._traffic.fresh.clear()
        if len(self._table):
            now = int(self._table.time_ns[-1])
            for noise1 in self._unsettled:
                if now - self._attempts[noise1].last_ns < SETTLING_NS:
                    stale[noise1] = None
        for noise1 in list(stale):
            if noise1 in self._cases:
                stale.update(dict.fromkeys(self._openers_of(self._attempts[noise1])))
        for noise1 in stale:
            self._facts.pop(noise1, None)
            self._cases.pop(noise1, None)
            self._unsettled.pop(noise1, None)
        fresh = {noise1: self._freeze(self._attempts[noise1]) for noise1 in stale}
        self.flows.update(fresh)
        return list(fresh.values())

    def _freeze(self, attempt: Attempt) -> Flow:
        return freeze(self._table, attempt, partial(self._case, attempt))

    def _openers_of(self, attempt: Attempt) -> list[bytes]:
        """Attempts whose stream this attempt may carry, as their blind relay."""
        earlier = [
            noise1
            for noise1 in self._cases
            if 0 <= attempt.started_ns - self._attempts[noise1].started_ns <= OPENING_NS
        ]
        return [
            noise1 for noise1 in earlier if attempt.noise1 in self._gatherer.opened_by_sides(self._attempts[noise1])
        ]

    def _case(self, attempt: Attempt) -> Case:
        case = self._cases.get(attempt.noise1)
        if case is None:
            facts = self._facts_of(attempt)
            others = [self._facts_of(self._attempts[noise1]) for noise1 in self._gatherer.opened_by_sides(attempt)]
            links = relay_links(facts, [other for other in others if other is not facts])
            judgement = judge(facts, links)
            case = self._cases[attempt.noise1] = Case(facts, judgement, links, token_lives(facts))
            if judgement.outcome is Outcome.UNKNOWN:
                self._unsettled[attempt.noise1] = None
        return case

    def _facts_of(self, attempt: Attempt) -> Facts:
        """The facts of an attempt; every attempt must have claimed its endpoints first."""
        for noise1 in self._unclaimed:
            self._gatherer.claim(self._attempts[noise1])
        self._unclaimed.clear()
        facts = self._facts.get(attempt.noise1)
        if facts is None:
            start, end = int(self._table.time_ns[0]), int(self._table.time_ns[-1])
            facts = self._facts[attempt.noise1] = self._gatherer.gather(attempt, start, end)
        return facts
