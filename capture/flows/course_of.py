"""The course of an attempt, from its facts: cheap enough to be worked out for every attempt of a capture."""

from __future__ import annotations

from functools import partial
from typing import Final

from capture.course import Asked, Course, Stage, StageTime
from capture.flows.attempt import Attempt, Exchange
from capture.flows.endpoints import address_of
from capture.flows.facts import Facts
from capture.flows.verdicts.judgement import Judgement
from capture.model import Path
from capture.table import PacketTable
from protocol.constants import Command, ErrorCode

_NS: Final = 1e9
_COMMANDS: Final = {int(command): command.name for command in Command}


def course_of(table: PacketTable, facts: Facts, judgement: Judgement) -> Course:
    """When the stages of an attempt began and ended, and what its relays were asked."""
    attempt = facts.attempt
    found = (
        _find(table, attempt),
        _handshake(attempt),
        _probe(facts.rounds),
        _punch(facts, judgement),
        _stream(facts),
    )
    asked = tuple(map(partial(_asked, table, attempt), attempt.exchanges))
    return Course(tuple(stage for stage in found if stage is not None), asked)


def stage_time(stage: Stage, started_ns: int, ended_ns: int | None) -> StageTime:
    """A stage from nanoseconds."""
    return StageTime(stage, started_ns / _NS, None if ended_ns is None else ended_ns / _NS)


def _find(table: PacketTable, attempt: Attempt) -> StageTime | None:
    if not attempt.search_rows:
        return None
    ended = table.time_ns.item(attempt.found_rows[0]) if attempt.found_rows else None
    return stage_time(Stage.FIND, table.time_ns.item(attempt.search_rows[0]), ended)


def _handshake(attempt: Attempt) -> StageTime | None:
    if not attempt.handshakes:
        return None
    answered = attempt.handshake_answered
    answer = None if answered is None else answered.answered
    return stage_time(Stage.HANDSHAKE, attempt.started_ns, None if answer is None else answer.time_ns)


def _probe(rounds: list[Exchange]) -> StageTime | None:
    """Rounds that could be opened, and the first in any case: it never punches."""
    probing = [
        one
        for number, one in enumerate(rounds)
        if (number == 0 if one.opened is None else not one.opened.punching and one.opened.error == ErrorCode.NONE)
    ]
    if not probing:
        return None
    answers = [one.answered.time_ns for one in probing if one.answered is not None]
    return stage_time(Stage.PROBE, probing[0].started_ns, max(answers, default=None))


def _punch(facts: Facts, judgement: Judgement) -> StageTime | None:
    asked = [one.started_ns for one in facts.rounds if one.opened is not None and one.opened.punching]
    packets = [*facts.client_punches.packets, *facts.server_punches.packets]
    if not packets and not asked:
        return None
    stream = judgement.stream if judgement.path in (Path.PUNCHED, Path.UPGRADED) else None
    ended = None if stream is None else stream.first_ns
    begun = [time_ns for time_ns in asked if ended is None or time_ns <= ended]
    if not begun:
        begun = [packet.time_ns for packet in packets if ended is None or packet.time_ns <= ended]
    if not begun:
        return None
    return stage_time(Stage.PUNCH, min(begun), ended)


def _stream(facts: Facts) -> StageTime | None:
    if not facts.streams:
        return None
    path = next((one for one in facts.streams if one.both_ways), facts.streams[0])
    firsts = [min((one.first_ns for one in streams), default=None) for streams in (path.up, path.down)]
    known = [first for first in firsts if first is not None]
    return stage_time(Stage.STREAM, min(known), max(known) if len(known) == 2 else None)


def _asked(table: PacketTable, attempt: Attempt, exchange: Exchange) -> Asked:
    answer, relay, first = exchange.answered, exchange.relay, exchange.legs[0]
    payload = exchange.reply if exchange.command == Command.PEER_HOLEPUNCH else attempt.noise2_payload
    return Asked(
        _COMMANDS[exchange.command],
        None if relay is None else address_of(table, relay),
        first.time_ns / _NS,
        None if answer is None else answer.time_ns / _NS,
        sum(1 for leg in exchange.legs if leg.mode == first.mode),
        exchange.no_route is not None,
        payload.error if answer is not None and payload is not None else None,
    )
