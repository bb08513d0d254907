"""Attaching: PEER_HOLEPUNCH exchanges to the attempts that they belong to.

An exchange belongs to the attempt whose secret opens it. Where no secret is known, to the attempt on the same target
that had its handshake last from the same client host.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from typing import Final

from capture.flows.attempt import Attempt, Exchange, client_hosts
from capture.flows.order import Candidates
from protocol.noise import attempt_id
from protocol.secretbox import open_payload

HEADLESS: Final = b"headless:"
"""Begins the stand-in for noise message 1 of an attempt whose handshake was not captured."""


class Attacher:
    """Gives exchanges to attempts, and takes them back where a key found later says so.

    Args:
        attempts: by noise message 1; those are added that have no handshake in the capture.
        by_target: the same by target, oldest first.
        changed: keyed by noise message 1 of every attempt that was given an exchange or lost one.
        dropped: noise message 1 of attempts without a handshake that lost their last exchange.
    """

    def __init__(
        self,
        attempts: dict[bytes, Attempt],
        by_target: dict[bytes, list[Attempt]],
        changed: dict[bytes, None],
        dropped: set[bytes],
    ) -> None:
        self._attempts = attempts
        self._by_target = by_target
        self._changed = changed
        self._dropped = dropped
        self.loose: list[Exchange] = []
        """Exchanges that were not given to an attempt yet."""
        self._doubtful: dict[bytes, list[Exchange]] = defaultdict(list)
        """Those that were, by target, as far as no secret proved yet whose they are."""
        self._keyed: dict[bytes, list[Attempt]] = defaultdict(list)
        """Attempts whose secret was found since then, by target."""

    def attach(self) -> list[Attempt]:
        """Give every loose holepunch exchange to the attempt that it belongs to.

        Returns:
            Attempts that had to be made for it: their handshake is not in the capture.
        """
        self._take_back()
        made: list[Attempt] = []
        clients: dict[bytes, set[int]] = {}
        several: dict[bytes, Candidates] = {}
        for exchange in self.loose:
            attempt = self._attempt_of(exchange, clients, several)
            if attempt is None:
                attempt = self._headless(exchange)
                if attempt.target in several:
                    several[attempt.target].add(attempt)
                made.append(attempt)
            attempt.holepunches.append(exchange)
            exchange.owner = attempt
            self._changed[attempt.noise1] = None
            if exchange.whole and not exchange.proven:
                self._doubtful[attempt.target].append(exchange)
        self.loose = []
        return made

    def reattach(self, attempt: Attempt) -> None:
        """A key was found for `attempt`: the next `attach` takes back what it can't open, and offers it what it can."""
        for exchange in attempt.holepunches:
            if exchange.proven:  # by a secret that was wrong, as a key log may have it
                exchange.proven = False
                self._doubtful[attempt.target].append(exchange)
        if attempt.target in self._doubtful:
            self._keyed[attempt.target].append(attempt)

    def _take_back(self) -> None:
        """Loosen exchanges that a key found since the last call proves to be of another attempt."""
        losers: dict[bytes, Attempt] = {}
        for target, keyed in self._keyed.items():
            doubtful: list[Exchange] = []
            for exchange in self._doubtful[target]:
                owner = exchange.owner
                assert owner is not None
                opens = owner.holepunch_secret is not None and _opens(owner, exchange)
                if opens and owner.handshakes:
                    exchange.proven = True
                elif (owner.holepunch_secret is not None and not opens) or _opened_by_another(exchange, keyed):
                    owner.holepunches.remove(exchange)
                    exchange.owner = None
                    losers[owner.noise1] = owner
                    self._changed[owner.noise1] = None
                    self.loose.append(exchange)
                else:
                    doubtful.append(exchange)
            self._doubtful[target] = doubtful
        self._keyed.clear()
        for owner in losers.values():
            if not owner.handshakes and not owner.holepunches:
                self._drop(owner)

    def _drop(self, attempt: Attempt) -> None:
        """Forget an attempt without a handshake whose exchanges turned out to be of others."""
        del self._attempts[attempt.noise1]
        self._by_target[attempt.target].remove(attempt)
        self._changed.pop(attempt.noise1, None)
        self._dropped.add(attempt.noise1)

    def _headless(self, exchange: Exchange) -> Attempt:
        """An attempt whose handshake the capture does not show: named by its first payload."""
        name = HEADLESS + exchange.body
        attempt = Attempt(attempt_id(name), exchange.target or b"", name, started_ns=exchange.started_ns)
        self._attempts[name] = attempt
        insort(self._by_target[attempt.target], attempt, key=lambda one: one.started_ns)
        return attempt

    def _attempt_of(
        self, exchange: Exchange, clients: dict[bytes, set[int]], several: dict[bytes, Candidates]
    ) -> Attempt | None:
        """The attempt that a holepunch exchange belongs to.

        Args:
            exchange: it.
            clients: hosts of the clients that sent handshakes, by noise message 1; filled for the next exchange.
            several: attempts by target, where one has more than one; filled for the next exchange.
        """
        started, target = exchange.started_ns, exchange.target or b""
        known = self._by_target.get(target, ())
        if len(known) > 1:
            if target not in several:
                several[target] = Candidates(known)
            candidates = several[target]
            only = next(candidates.everyone.by(started)) if candidates.everyone.count(started) == 1 else None
        else:
            only = known[0] if known and known[0].started_ns <= started else None
            candidates = None
        if only is not None and only.handshakes:
            if only.noise1 not in clients:
                clients[only.noise1] = client_hosts(only.handshakes)
            # Mostly the first leg tells; further down all are asked.
            if not clients[only.noise1].isdisjoint(exchange.legs[0].client_hosts):
                return only
        hosts = client_hosts((exchange,))
        if only is not None and only.handshakes and client_hosts(only.exchanges) & hosts:
            return only
        if candidates is None:
            candidates = Candidates(known)
        if exchange.whole:
            for attempt in candidates.opened.by(started):
                if _opens(attempt, exchange):
                    exchange.proven = bool(attempt.handshakes)
                    return attempt
        guesses = candidates.closed if exchange.whole else candidates.everyone
        return next((one for one in guesses.by(started) if client_hosts(one.exchanges) & hosts), None)


def _opened_by_another(exchange: Exchange, keyed: list[Attempt]) -> bool:
    """Whether the secret of an attempt that had begun opens an exchange that was given to another one."""
    return any(
        attempt is not exchange.owner and attempt.started_ns <= exchange.started_ns and _opens(attempt, exchange)
        for attempt in keyed
    )


def _opens(attempt: Attempt, exchange: Exchange) -> bool:
    secret = attempt.holepunch_secret
    return secret is not None and open_payload(secret, exchange.body) is not None
