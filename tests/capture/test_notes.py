"""Marks and comments: every change gives a new value, and packets are named so that rows may move."""

from __future__ import annotations

from capture.flow import Sighting
from capture.notes import LONGEST_COMMENT, NO_NOTES, Notes, PacketId, packet_id

HERE, THERE = Sighting(0, 7, 3), Sighting(1, 7, 4)


def test_nothing_is_noted_at_first() -> None:
    assert not NO_NOTES
    assert not NO_NOTES.marks(HERE)
    assert not NO_NOTES.marks(None)
    assert NO_NOTES.on(HERE) == NO_NOTES.on(None) == NO_NOTES.on_attempt("ab") == ""


def test_marks_turn_round_and_are_of_one_packet() -> None:
    marked = NO_NOTES.with_mark(HERE).with_attempt_mark("ab")
    assert marked.marks(HERE)
    assert marked.marks(Sighting(0, 7, 99)), "rows may move"
    assert not marked.marks(THERE)
    assert marked.marks_attempt("ab")
    assert not NO_NOTES.marks(HERE), "the value before is as it was"
    assert marked.with_mark(HERE).with_attempt_mark("ab") == NO_NOTES
    assert marked.with_mark(HERE, True) == marked
    assert marked.without_marks() == NO_NOTES


def test_comments_are_trimmed_bounded_and_taken_away() -> None:
    said = NO_NOTES.with_comment(HERE, "  dies here \n").with_attempt_comment("ab", "x" * 10_000)
    assert said.on(HERE) == "dies here"
    assert len(said.on_attempt("ab")) == LONGEST_COMMENT
    assert said.with_comment(HERE, " ").with_attempt_comment("ab", "") == NO_NOTES


def test_notes_of_two_sessions_are_joined() -> None:
    ours = NO_NOTES.with_comment(HERE, "mine").with_mark(THERE)
    theirs = NO_NOTES.with_comment(HERE, "theirs").with_comment(THERE, "there").with_attempt_mark("ab")
    joined = ours.merged(theirs)
    assert joined.on(HERE) == "mine\ntheirs"
    assert joined.on(THERE) == "there"
    assert joined.packets == {packet_id(THERE)}
    assert joined.attempts == {"ab"}
    assert joined.merged(theirs.with_comment(HERE, "mine\ntheirs")) == joined


def test_notes_follow_files_to_other_numbers_and_are_picked() -> None:
    notes = Notes(frozenset({"ab", "cd"}), frozenset({PacketId(0, 1), PacketId(1, 2)})).with_comment(THERE, "x")
    moved = notes.of_files({1: 0})
    assert moved.packets == {PacketId(0, 2)}
    assert moved.on(PacketId(0, 7)) == "x"
    assert moved.attempts == notes.attempts
    assert notes.about(["ab"], [PacketId(1, 7)]) == Notes(frozenset({"ab"})).with_comment(THERE, "x")
