"""The story of a capture: packets in, flows out. The headless core that report, exports and screens share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from capture.collector import call_old, collector_paused
from capture.flow import FileSummary, Flow, Sighting
from capture.flows.assembly import Assembler
from capture.flows.casebook import Casebook
from capture.flows.copies import Copies
from capture.flows.in_order import InOrder
from capture.flows.keyring import Keyring
from capture.flows.listing import list_search
from capture.flows.owners import Owners
from capture.flows.searches import Search, Searches
from capture.flows.waiting import QUIET_NS, Haste
from capture.given_keys import NO_KEYS, Keys
from capture.opening import Progress, open_captures
from capture.table import PacketTable
from protocol.address import Address

__all__ = ["Haste", "Keys", "Story"]

if TYPE_CHECKING:
    from capture.keylog import KeyLog
    from capture.keylog_files import KeyLogTail


_READY: Final = 256
"""Attempts that are made ready between two reports of progress."""


class Story:
    """Every attempt in a packet table, kept up to date as it grows.

    Args:
        table: the packets; may still grow.
        keys: keys to open payloads with, besides those found in the capture.
        progress: told of the stages of the first `update`; what it raises stops it, and the story is of no use.
    """

    def __init__(self, table: PacketTable, keys: Keys = NO_KEYS, progress: Progress | None = None) -> None:
        self.table = table
        self._copies = Copies(table)
        self._assembler = Assembler(table, self._copies)
        self._keyring = Keyring(table, self._assembler)
        self._searches = Searches(table, self._assembler, self._copies)
        self._casebook = Casebook(table, self._assembler.attempts, self._copies)
        self._owners = Owners(table, self._assembler, self._casebook, self._copies)
        self._tails: list[KeyLogTail] = []
        self._lone: dict[Search, Flow] = {}
        """Rows and flow of searches without an attempt, by target and client."""
        self._young: dict[Search, int] = {}
        """When those of them were seen first that nobody was told to look at yet."""
        self._seen = 0
        """Rows at the last update."""
        self._in_order = InOrder()
        self.gone: frozenset[str] = frozenset()
        """Ids of attempts that the last `update` found to be none, or part of others."""
        self._given: list[Keys] = []
        self._give(keys)
        self._secrets_read: dict[int, int] = {}
        self._blocks: list[tuple[int, int, KeyLog]] = []
        """File, number and content of decryption-secrets blocks with malformed lines."""
        with collector_paused():
            self.update(progress)
            if len(table):
                call_old()

    @classmethod
    def open(
        cls,
        paths: Sequence[str],
        keys: Keys = NO_KEYS,
        progress: Progress | None = None,
        ahead: Mapping[str, float] | None = None,
    ) -> Story:
        """Read capture files as vantages of one story.

        Args:
            paths: capture files; ``-`` is standard input.
            keys: keys to open payloads with.
            progress: told of bytes read, then of the stages of the story; what it raises stops the work.
            ahead: by how many seconds the clocks of some files are known to be ahead; see `open_captures`.

        Raises:
            CaptureError: a file can't be read as a capture.
        """
        return cls(open_captures(paths, progress, ahead), keys, progress)

    @property
    def files(self) -> tuple[FileSummary, ...]:
        """Counts of every file."""
        return tuple(
            FileSummary(
                file.path,
                file.format,
                file.packets,
                file.dht_messages,
                file.undecodable,
                file.duplicates,
                file.truncated,
                file.clock_offset_ns / 1e9,
                tuple(file.notes),
                None if file.clock_uncertainty_ns is None else file.clock_uncertainty_ns / 1e9,
                file.clock_given,
                file.udx,
                file.punches,
                file.dropped,
                file.clock_drift,
            )
            for file in self.table.files
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What was seen and is part of no attempt."""
        notes = list(self.asides)
        refused = self.refused
        cut = sum(is_cut for *_, is_cut in refused)
        if cut:
            notes.append(f"{cut} messages cut by the capture (snap length) before they say enough")
        bad = [one for one in refused if not one[4]]
        if bad:
            _, field, offset, reason, _ = bad[0]
            first = f"{field} at byte {offset}: {reason}"
            notes.append(f"{len(bad)} messages with a value that does not decode, the first: {first}")
        return tuple(notes)

    @property
    def asides(self) -> tuple[str, ...]:
        """What was seen only in part, so that no attempt could be made of it."""
        notes = []
        if self._searches.partial:
            notes.append(f"{self._searches.partial} FIND_PEER queries seen only in part, by a node that was asked")
        orphans = len(self._assembler.orphans) + self._assembler.orphaned
        if orphans:
            notes.append(f"{orphans} relayed answers whose request is not in the capture")
        return tuple(notes)

    @property
    def asides_behind_mask(self) -> tuple[str, ...]:
        """The same without names that no mask finds in a text."""
        return self.asides

    @property
    def refused(self) -> tuple[tuple[Sighting, str, int, str, bool], ...]:
        """PEER_* messages whose value does not decode: packet, field, offset, reason, and whether it was cut."""
        table, sighting = self.table, self._copies.sighting
        return tuple(
            (
                sighting(one.row),
                one.error.field,
                one.error.offset,
                one.error.reason,
                table.wire_length.item(one.row) > table.length.item(one.row),
            )
            for one in self._assembler.bad
        )

    @property
    def keylog_errors(self) -> tuple[str, ...]:
        """Malformed lines of key logs, in files and in decryption-secrets blocks, each with its place."""
        logs = [(str(tail.path), tail.log) for tail in self._tails]
        logs += [(f"{self.table.files[file].path}, secrets block {number}", log) for file, number, log in self._blocks]
        errors = [f"{place}: {error}" for place, log in logs for error in log.errors]
        more = [(place, log.malformed - len(log.errors)) for place, log in logs]
        return (*errors, *(f"{place}: {count} more malformed lines" for place, count in more if count))

    @property
    def flows(self) -> tuple[Flow, ...]:
        """Every attempt, oldest first."""
        return self._in_order.all(self._casebook.flows.values(), self._lone.values())

    def flow(self, flow_id: str) -> Flow:
        """The attempt with that id.

        Raises:
            KeyError: there is none.
        """
        for flow in self.flows:
            if flow.id == flow_id:
                return flow
        raise KeyError(flow_id)

    def flow_of(self, sighting: Sighting) -> Flow | None:
        """The attempt that a packet is part of; None for one of no attempt."""
        return self._owners.flow_of(sighting.row, self._lone.items())

    def find(self, prefix: str) -> list[Flow]:
        """Attempts whose id begins with `prefix`."""
        return [flow for flow in self.flows if flow.id.startswith(prefix.lower())]

    def add_keys(self, keys: Keys) -> tuple[str, ...]:
        """Add keys; they open what came before. Returns the ids of the flows that changed."""
        self._give(keys)
        return self.update()

    def anew(self, table: PacketTable) -> Story:
        """A story of another table, with all keys that were given to this one."""
        given = self._given
        return Story(
            table,
            Keys(
                tuple(key for keys in given for key in keys.public_keys),
                tuple(key for keys in given for key in keys.secret_keys),
                tuple(path for keys in given for path in keys.keylogs),
            ),
        )

    @property
    def given(self) -> tuple[Keys, ...]:
        """The keys that were given."""
        return tuple(self._given)

    def become(self, other: Story) -> Iterator[None]:
        """Go on as another story of the same source; whoever has this one sees the other's packets from now on.

        Returns:
            What it was before is freed part by part while this is gone through: only circles of references keep it.
        """
        freed = _freed(self._assembler, self._casebook)
        vars(self).update(vars(other))
        return freed

    def let_go(self, ids: Collection[str]) -> None:
        """Attempts were let go to keep within a bound: forget what else is known of them. Here it is nothing."""

    def proof_rows(self) -> list[int]:
        """Rows that prove a server's public key, in the order in which the keys came to be known."""
        return self._keyring.proof_rows()

    def _give(self, keys: Keys) -> None:
        self._given.append(keys)
        for public_key in keys.public_keys:
            self._keyring.give_public_key(public_key)
        for seed in keys.secret_keys:
            self._keyring.give_secret_key(seed)
        if keys.keylogs:
            from capture.keylog_files import KeyLogTail

            self._tails.extend(KeyLogTail(path) for path in keys.keylogs)

    def update(self, progress: Progress | None = None, haste: Haste | None = None) -> tuple[str, ...]:
        """Consume new packets and new key log lines. Returns the ids of the flows that changed.

        Args:
            progress: told of each stage before it begins.
            haste: how many attempts may be made anew now; others that changed follow with later calls (`waiting`).

        Raises:
            CaptureError: a mapped file was shortened meanwhile.
        """
        joining = "joining messages to attempts"
        told = None if progress is None else partial(progress, joining)
        stages: tuple[tuple[str, Callable[[], None]], ...] = (
            ("looking for copies", self._copies.update),
            (joining, partial(self._assembler.update, told)),
            ("trying keys", self._keyring.update),
            ("looking at searches", self._searches.update),
        )
        with collector_paused():
            for tail in self._tails:
                if tail.poll():
                    self._keyring.give_log(tail.log)
            self._read_secret_blocks()
            for number, (stage, run) in enumerate(stages):
                self.table.check_size()
                if progress is not None:
                    progress(stage, number, len(stages) + 1)
                run()
            if progress is not None:
                progress("putting attempts together", len(stages), len(stages) + 1)
            fresh = self._casebook.update(self._assembler.changed, self._assembler.dropped, haste)
            gone = self._casebook.replaced
            self._assembler.changed.clear()
            self._assembler.dropped.clear()
            former, lone = self._rebuild_lone()
            grown_up = self._grown_up(haste)
        self._in_order.change([*gone, *former], [*fresh, *lone])
        ids = tuple(dict.fromkeys(flow.id for flow in (*fresh, *lone, *grown_up)))
        self.gone = frozenset(flow.id for flow in (*gone, *former)).difference(ids)
        if ids:
            self._owners.forget()
        return ids

    @property
    def waiting(self) -> int:
        """Attempts that changed and that updates in haste have not come to yet."""
        return self._casebook.waiting

    @property
    def listed(self) -> frozenset[str]:
        """Ids of attempts that were only listed so far: they are worked out when their turn comes."""
        young = [self._lone[one].id for one in self._young]
        return frozenset((*young, *(flow.id for flow in self._casebook.listed)))

    def make_ready(self, progress: Progress | None = None) -> None:
        """Do what has to be done before the first attempt is looked at; else that look does it, however long it takes.

        Args:
            progress: told of the attempts that were prepared; what it raises stops the work, which loses nothing.
        """
        with collector_paused():
            total = len(self._assembler.attempts)
            while left := self._casebook.claim_some(_READY):
                if progress is not None:
                    progress("finding the packets of each attempt", total - left, total)

    def _read_secret_blocks(self) -> None:
        for index, file in enumerate(self.table.files):
            read = self._secrets_read.get(index, 0)
            for block in file.secrets[read:]:
                from capture.keylog import KeyLog

                log = KeyLog.parse(block, "secrets in the capture,")
                self._keyring.give_log(log)
                if log.malformed:
                    self._blocks.append((index, file.secrets.index(block) + 1, log))
            self._secrets_read[index] = len(file.secrets)

    def _rebuild_lone(self) -> tuple[list[Flow], list[Flow]]:
        """Flows of FIND_PEER queries that led to no handshake, remade where they grew; the former and the new ones."""
        if not self._searches.changed:
            return [], []
        before, lone = self._lone, self._searches.lone
        fresh = {one: list_search(self.table, one, self._copies) for one in lone if one not in before}
        self._lone = {one: fresh.get(one) or before[one] for one in lone}
        now_ns = self.table.time_ns.item(-1) if len(self.table) else 0
        self._young = {one: since for one, since in self._young.items() if one in self._lone}
        self._young.update(dict.fromkeys(fresh, now_ns))
        return [flow for one, flow in before.items() if one not in self._lone], list(fresh.values())

    def _grown_up(self, haste: Haste | None) -> list[Flow]:
        """Searches that are worth a look now: most become attempts a moment after they were seen first."""
        rows, young = len(self.table), self._young
        idle, self._seen = rows == self._seen and not (haste is not None and haste.again), rows
        if haste is None or idle or len(young) <= haste.most // 4:
            self._young = {}
            return [self._lone[one] for one in young]
        until = self.table.time_ns.item(-1) - QUIET_NS
        found = [one for one, since_ns in young.items() if since_ns <= until]
        for one in found:
            del young[one]
        return [self._lone[one] for one in found]

    def payload(self, sighting: Sighting) -> bytes:
        """UDP payload bytes of a packet, as captured.

        Raises:
            CaptureError: a mapped file was shortened meanwhile.
        """
        self.table.check_size()
        return self.table.payload(sighting.row)

    def wire_length(self, sighting: Sighting) -> int:
        """UDP payload bytes of a packet by its headers; more than captured where a snaplen cut it."""
        return int(self.table.wire_length[sighting.row])

    def packet_time(self, sighting: Sighting) -> float:
        """Epoch seconds of a packet."""
        return int(self.table.time_ns[sighting.row]) / 1e9

    def sightings(self, sighting: Sighting) -> tuple[Sighting, ...]:
        """Every sighting of the datagram that one shows, in all files: nearest its sender first, then by time."""
        primary = int(self.table.copy_of[sighting.row])
        first = sighting.row if primary < 0 else primary
        others = sorted(self._copies.sightings(first), key=lambda one: (self.table.time_ns.item(one.row), one.row))
        return self._copies.sighting(first), *others

    @property
    def last_time(self) -> float | None:
        """Epoch seconds of the last packet; None while there is none."""
        return self.table.time_ns.item(-1) / 1e9 if len(self.table) else None

    def endpoints(self, sighting: Sighting) -> tuple[Address, Address]:
        """Source and destination of a packet."""
        return self.table.source(sighting.row), self.table.destination(sighting.row)

    def ttl(self, sighting: Sighting) -> int:
        """TTL of a packet."""
        return int(self.table.ttl[sighting.row])


def _freed(assembler: Assembler, casebook: Casebook) -> Iterator[None]:
    """Break the circles by which the attempts of a story that is no more keep each other."""
    for number, attempt in enumerate(assembler.attempts.values(), 1):
        for exchange in (*attempt.handshakes, *attempt.holepunches):
            exchange.owner = None
        if number % _READY == 0:
            yield
    casebook.flows.clear()
    casebook.replaced.clear()
