"""The keyring: finds server keys on the wire or takes given ones, and opens attempts with them.

A server's public key is proven by its hash: BLAKE2b-256(key) is the target. Servers and DHT nodes say it in FIND_PEER
and LOOKUP responses and in ANNOUNCE and UNANNOUNCE requests. With it and both noise messages the handshake hash, and
from that the holepunch secret, can be rebuilt. Only the inside of the noise messages needs more: the server's secret
key, or a key log.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from capture.arrays import I64
from capture.flow import KeySource, Sighting
from capture.flows.assembly import Assembler
from capture.flows.attempt import Attempt
from capture.flows.endpoint_rows import EndpointRows
from capture.flows.joining import Join
from capture.flows.opened import lack, standing
from capture.flows.records import Record, announced_record, found_records, listed_records
from capture.flows.searches import RESPONSE_VALUE
from capture.flows.traffic import INTERNAL
from capture.table import Kind, PacketTable
from protocol.constants import Command
from protocol.errors import DecodeError
from protocol.hashes import target_of
from protocol.noise import handshake_hash, holepunch_secret
from protocol.secretbox import open_payload

if TYPE_CHECKING:
    from capture.keylog import KeyLog

_ANNOUNCING = (Command.ANNOUNCE, Command.UNANNOUNCE)


@dataclass(slots=True)
class KnownKey:
    """A server's public key, where it came from and the relays its record names."""

    public_key: bytes
    source: KeySource
    proof_row: int | None = None
    relays: set[int] = field(default_factory=set)


class Keyring:
    """Keys by target, and the attempts they open."""

    def __init__(self, table: PacketTable, assembler: Assembler) -> None:
        self._table = table
        self._assembler = assembler
        self._known: dict[bytes, KnownKey] = {}
        self._seeds: dict[bytes, bytes] = {}
        """Server seeds by public key."""
        self._logs: list[KeyLog] = []
        self._fresh = False
        """Whether keys were given since the attempts were last tried."""
        self._lookups = Join(table)
        self._targets: dict[int, tuple[bytes, ...]] = {}
        """Targets of attempts, by their first eight bytes as a number."""
        self._wanting: dict[bytes, None] = {}
        """Those of them whose key no packet has proved yet."""
        self._learned: set[bytes] = set()
        """Targets of which more is known since the attempts were last tried."""
        self._answers = EndpointRows()
        """FIND_PEER responses with a value, by the first eight bytes of what was searched for."""
        self._announcements = EndpointRows()
        """ANNOUNCE and UNANNOUNCE requests, in the same way; as far as anybody has looked for some."""
        self._announced = 0
        """Rows that were looked through for them."""
        self._harvested: set[int] = set()
        """Rows of FIND_PEER responses that were read."""
        self._swept = 0

    def give_public_key(self, public_key: bytes, source: KeySource = KeySource.GIVEN) -> None:
        """Add a public key; a captured proof of the same key is kept beside it."""
        target = target_of(public_key)
        self._known.setdefault(target, KnownKey(public_key, source))
        self._fresh = True

    def give_secret_key(self, seed: bytes) -> None:
        """Add a server's secret key (its seed): it opens noise message 1."""
        from protocol.keys import key_pair

        public_key = key_pair(seed).public_key
        self._seeds[public_key] = seed
        self.give_public_key(public_key)

    def give_log(self, log: KeyLog) -> None:
        """Add a key log; the same one again when it has grown."""
        if all(known is not log for known in self._logs):
            self._logs.append(log)
        self._fresh = True

    def proof_rows(self) -> list[int]:
        """Rows that prove a key, in the order in which the keys came to be known."""
        return [known.proof_row for known in self._known.values() if known.proof_row is not None]

    def update(self) -> None:
        """Look for missing keys in new rows, and open what can be opened."""
        self._harvest()
        self._try(self._to_try())
        while made := self._assembler.attach():
            self._harvest()
            self._try(made)

    def _harvest(self) -> None:
        fresh = self._take_targets()
        self._harvest_answers(fresh)
        self._wanting = {target: None for target in self._wanting if self._wants(target)}
        if self._wanting:
            self._harvest_announcements(fresh)
            if any(self._wants(target) for target in self._wanting):
                self._sweep()

    def _take_targets(self) -> list[int]:
        """Targets that attempts have since the last call, by their first eight bytes."""
        fresh: dict[int, None] = {}
        for noise1 in self._assembler.changed:
            target = self._assembler.attempts[noise1].target
            head = int.from_bytes(target[:8], "big")
            known = self._targets.get(head)
            if known is None:
                fresh[head] = None
            if known is None or target not in known:
                self._targets[head] = (*(known or ()), target)
                self._wanting[target] = None
        return list(fresh)

    def _try(self, attempts: list[Attempt]) -> None:
        for attempt in attempts:
            if attempt.noise1 not in self._assembler.attempts:
                continue  # opening another one took all its exchanges away
            before = standing(attempt)
            self._open(attempt)
            if standing(attempt) != before:
                self._changed(attempt)

    def _to_try(self) -> list[Attempt]:
        """Attempts that new packets or new keys may open further, in the order in which they began."""
        attempts, by_target = self._assembler.attempts, self._assembler.by_target
        learned, self._learned = self._learned, set()
        if self._fresh:
            self._fresh = False
            return list(attempts.values())
        wanted = dict.fromkeys(self._assembler.changed)
        wanted.update((attempt.noise1, None) for target in learned for attempt in by_target.get(target, ()))
        if len(wanted) == len(attempts):
            return list(attempts.values())
        return sorted((attempts[noise1] for noise1 in wanted), key=lambda attempt: attempt.started_ns)

    def _logged(self, attempt: Attempt, label: str) -> bytes | None:
        """The first secret that a key log has for an attempt under a label, one of `capture.keylog.Label`."""
        if not self._logs:
            return None
        from capture.keylog import Label

        return next((value for log in self._logs for value in log.values(attempt.id, Label(label))), None)

    def _told(self, attempt: Attempt, label: str) -> str:
        """The lines of the first key log that has a secret of an attempt under a label."""
        from capture.keylog import Label

        return next((where for log in self._logs if (where := log.where(attempt.id, (Label(label),)))), "")

    def _wants(self, target: bytes) -> bool:
        known = self._known.get(target)
        return known is None or (known.proof_row is None and known.source is not KeySource.CAPTURED)

    def _harvest_answers(self, fresh: list[int]) -> None:
        """Records in FIND_PEER responses whose target some attempt has.

        Args:
            fresh: targets that no attempt had before, as `_take_targets` gives them.
        """
        table = self._table
        rows = set(chain.from_iterable(one.tolist() for one in self._answers.at(map(_signed, fresh)).values()))
        for asked, answers in self._assembler.take_answers():
            telling = (table.flags[answers] & RESPONSE_VALUE) != 0
            heads, fitting = table.target8[asked[telling]], answers[telling]
            self._answers.add(fitting, heads.view(np.int64))
            pairs = zip(heads.tolist(), fitting.tolist(), strict=True)
            rows.update(row for head, row in pairs if head in self._targets)
        rows -= self._harvested
        self._harvested |= rows
        for row, record in found_records(table, np.array(sorted(rows), np.int64)):
            if isinstance(record, DecodeError):
                self._assembler.note_bad(row, record)
            else:
                self._learn(record, row)

    def _harvest_announcements(self, fresh: list[int]) -> None:
        """Announcements of targets that some attempt has; `fresh` is as above."""
        table, start, stop = self._table, self._announced, len(self._table)
        rows = set(chain.from_iterable(one.tolist() for one in self._announcements.at(map(_signed, fresh)).values()))
        if start < stop:
            self._announced = stop
            new = self._announcing(start, stop)
            heads = table.target8[new]
            self._announcements.add(new, heads.view(np.int64))
            for head, row in zip(heads.tolist(), new.tolist(), strict=True):
                if not self._wanting.keys().isdisjoint(self._targets.get(head, ())):
                    rows.add(row)
        for row in sorted(rows):
            self._learn_announcement(row)

    def _announcing(self, start: int, stop: int) -> I64:
        """Rows of ANNOUNCE and UNANNOUNCE requests."""
        table, part = self._table, slice(start, stop)
        asking = (table.kind[part] == Kind.REQUEST) & (table.flags[part] & INTERNAL == 0) & (table.copy_of[part] < 0)
        found: I64 = np.flatnonzero(asking & np.isin(table.command[part], _ANNOUNCING)) + start
        return found

    def _sweep(self) -> None:
        """Announcements of other targets, and LOOKUP responses, name keys too; each row is read once."""
        table = self._table
        start, stop = self._swept, len(table)
        if start == stop:
            return
        self._swept = stop
        external = (
            np.flatnonzero((table.kind[start:stop] == Kind.REQUEST) & ~table.asked_internally(slice(start, stop)))
            + start
        )
        command = table.command[external]
        for row in external[np.isin(command, _ANNOUNCING)].tolist():
            self._learn_announcement(row)
        answers, _ = self._lookups.feed(external[command == Command.LOOKUP], start, stop)
        for row in answers.tolist():
            try:
                for record in listed_records(table, row):
                    self._learn(record, row)
            except DecodeError as error:
                self._assembler.note_bad(row, error)

    def _learn_announcement(self, row: int) -> None:
        try:
            record = announced_record(self._table, row)
        except DecodeError as error:
            self._assembler.note_bad(row, error)
        else:
            if record is not None:
                self._learn(record, row)

    def _learn(self, record: Record, row: int) -> None:
        target = target_of(record.public_key)
        known = self._known.get(target)
        if known is None:
            known = self._known[target] = KnownKey(record.public_key, KeySource.CAPTURED)
        if known.proof_row is None:
            known.proof_row = row
            self._learned.add(target)
        if not known.relays.issuperset(record.relays):
            known.relays.update(record.relays)
            self._learned.add(target)

    def _open(self, attempt: Attempt) -> None:
        known = self._known.get(attempt.target)
        if attempt.server_public_key is None:
            if known is not None:
                attempt.server_public_key, attempt.key_source = known.public_key, known.source
            else:
                logged = self._logged(attempt, "SERVER_PUBLIC_KEY")
                if logged is not None and target_of(logged) == attempt.target:
                    attempt.server_public_key, attempt.key_source = logged, KeySource.KEYLOG
        if known is not None:
            attempt.announced_relays |= known.relays
            if known.proof_row is not None and attempt.key_proof is None:
                attempt.key_proof = self.sighting(known.proof_row)
        if attempt.handshake_hash is None:
            self._rebuild(attempt)
        self._open_noise(attempt)
        if self._logs:
            self._take_token_secrets(attempt)

    def _take_token_secrets(self, attempt: Attempt) -> None:
        """What makes the tokens of each side, where a key log tells."""
        from capture.keylog import Label

        for side, label in (("client", Label.CLIENT_TOKEN_SECRET), ("server", Label.SERVER_TOKEN_SECRET)):
            known = tuple(value for log in self._logs for value in log.values(attempt.id, label))
            if known:
                attempt.token_secrets[side] = known

    def _rebuild(self, attempt: Attempt) -> None:
        noise2 = attempt.noise2
        if attempt.server_public_key is not None and noise2 is not None and attempt.whole:
            try:
                attempt.handshake_hash = handshake_hash(attempt.server_public_key, attempt.noise1, noise2)
            except DecodeError as error:
                attempt.key_reason = f"the noise message is malformed: {error}"
                return
            secret = holepunch_secret(attempt.handshake_hash)
            attempt.secret_from = ""
        else:
            logged = self._logged(attempt, "HOLEPUNCH_SECRET")
            if logged is None and not attempt.handshakes:
                logged = self._fitting(attempt)
            if logged is None:
                attempt.key_reason = lack(attempt)
                return
            secret, attempt.key_source = logged, KeySource.KEYLOG
            attempt.secret_from = self._told(attempt, "HOLEPUNCH_SECRET")
        attempt.key_reason = ""
        if secret != attempt.holepunch_secret:
            attempt.holepunch_secret = secret
            attempt.plaintexts.clear()
            self._assembler.reattach(attempt)

    def _fitting(self, attempt: Attempt) -> bytes | None:
        """A logged secret that opens an attempt whose handshake was not captured; its line names the attempt."""
        if not self._logs:
            return None
        from capture.keylog import Label

        bodies = [exchange.body for exchange in attempt.holepunches if exchange.whole]
        for log in self._logs:
            for secret in log.secrets():
                if secret.label is Label.HOLEPUNCH_SECRET and any(open_payload(secret.value, body) for body in bodies):
                    attempt.id = secret.attempt
                    return secret.value
        return None

    def _open_noise(self, attempt: Attempt) -> None:
        public_key, noise2 = attempt.server_public_key, attempt.noise2
        if not attempt.handshakes or not attempt.whole:
            attempt.noise1_reason = attempt.noise2_reason = lack(attempt)
            return
        if public_key is None:
            attempt.noise1_reason = attempt.noise2_reason = "the server's public key is not known"
            return
        if attempt.noise1_payload is not None and (attempt.noise2_payload is not None or noise2 is None):
            return
        seed = self._seeds.get(public_key)
        if seed is None and not self._logs:
            attempt.noise1_reason = "needs the server's secret key or a key log"
            attempt.noise2_reason = "needs a key log"
            return
        from capture.flows.opened_noise import open_attempt

        open_attempt(attempt, public_key, () if seed is None else (seed,), self._logs)

    def _changed(self, attempt: Attempt) -> None:
        self._assembler.changed[attempt.noise1] = None

    def sighting(self, row: int) -> Sighting:
        """The row as a file and frame number."""
        return Sighting(int(self._table.file[row]), int(self._table.frame[row]), row)


def _signed(head: int) -> int:
    """The first eight bytes of a target as `EndpointRows` takes them."""
    return head - (1 << 64) if head >> 63 else head
