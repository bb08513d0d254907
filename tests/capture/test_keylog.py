"""The format of the key log, and the files it lives in."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.keylog import (
    ERRORS_KEPT,
    LABELS_KEPT,
    LONGEST_LINE,
    KeyLog,
    KeyLogError,
    Label,
    Secret,
    format_secrets,
    parse_line,
)
from capture.keylog_files import HOOK, KeyLogTail, append_secrets, read_keylog

ATTEMPT = bytes(range(8))
OTHER = bytes(8)
ONE = Secret(Label.HOLEPUNCH_SECRET, ATTEMPT, b"\1" * 32)
TWO = Secret(Label.SERVER_EPHEMERAL_KEY, ATTEMPT, b"\2" * 32)
THREE = Secret(Label.HOLEPUNCH_SECRET, OTHER, b"\3" * 32)
LINE = "HOLEPUNCH_SECRET 0001020304050607 " + "01" * 32

secrets = st.builds(
    Secret, st.sampled_from(Label), st.binary(min_size=8, max_size=8), st.binary(min_size=32, max_size=32)
)


class TestFormat:
    def test_a_line(self) -> None:
        assert format_secrets([ONE]) == LINE + "\n"
        assert parse_line(LINE.encode(), 1) == ONE

    @pytest.mark.parametrize("line", [b"", b"   ", b"\r", b"# HOLEPUNCH_SECRET", b"#", b"  # indented"])
    def test_comments_and_empty_lines(self, line: bytes) -> None:
        assert parse_line(line, 1) is None

    @pytest.mark.parametrize("line", [LINE.upper(), LINE + "\r", "  " + LINE.replace(" ", "\t") + "  "])
    def test_case_of_digits_and_blanks_do_not_matter(self, line: str) -> None:
        assert parse_line(line.encode(), 1) == ONE

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            (LINE[:-1], "the secret has 63 hex digits, not 64"),
            (LINE + "00", "the secret has 66 hex digits, not 64"),
            (LINE[:-1] + "g", "the secret is not hexadecimal"),
            (LINE.replace("0001", "01"), "the attempt has 14 hex digits, not 16"),
            (LINE.replace("0001", "xxxx"), "the attempt is not hexadecimal"),
            (LINE + " more", "HOLEPUNCH_SECRET takes an attempt and a secret, found 3 values"),
            ("HOLEPUNCH_SECRET", "HOLEPUNCH_SECRET takes an attempt and a secret, found 0 values"),
            (LINE.lower(), "does not begin with a label of capital letters"),
            ("\x1b[2J", "does not begin with a label of capital letters"),
            ("A" * (LONGEST_LINE + 1), f"longer than {LONGEST_LINE} bytes"),
        ],
    )
    def test_a_malformed_line_is_named_by_number_and_reason(self, line: str, reason: str) -> None:
        log = KeyLog.parse(f"# first\n\n{line}\n{LINE}\n")
        (error,) = log.errors
        assert (error.line, error.reason) == (3, reason)
        assert str(error) == f"key log line 3: {reason}"
        assert (log.malformed, log.lines) == (1, 4)
        assert log.secrets() == (ONE,)

    def test_errors_do_not_repeat_the_secret(self) -> None:
        with pytest.raises(KeyLogError) as caught:
            parse_line((LINE + "00").encode(), 1)
        assert "0101" not in str(caught.value)
        assert "0101" not in repr(ONE)

    def test_other_labels_are_counted(self) -> None:
        log = KeyLog.parse(f"CLIENT_RANDOM {'00' * 32} {'11' * 48}\nEXPORTER_SECRET\n{LINE}")
        assert (log.unknown, log.malformed, log.secrets()) == (2, 0, (ONE,))
        assert log.unknown_labels == {"CLIENT_RANDOM": 1, "EXPORTER_SECRET": 1}

    def test_only_some_other_labels_are_kept_by_name(self) -> None:
        log = KeyLog.parse("".join(f"LABEL_{number % 50} x\n" for number in range(100)))
        assert log.unknown == 100
        assert log.unknown_labels == {f"LABEL_{number}": 2 for number in range(LABELS_KEPT)}

    def test_only_the_first_errors_are_kept(self) -> None:
        log = KeyLog.parse("?\n" * (ERRORS_KEPT + 5))
        assert (len(log.errors), log.malformed, log.lines) == (ERRORS_KEPT, ERRORS_KEPT + 5, ERRORS_KEPT + 5)

    @pytest.mark.parametrize(("text", "lines"), [("", 0), ("#", 1), ("#\n", 1), ("#\n\n", 2), ("#\n#", 2)])
    def test_lines_are_counted(self, text: str, lines: int) -> None:
        assert KeyLog.parse(text).lines == lines


class TestKeyLog:
    def test_values_by_attempt_and_label(self) -> None:
        later = Secret(ONE.label, ATTEMPT, b"\x09" * 32)
        log = KeyLog.parse(format_secrets([ONE, TWO, THREE, ONE, later]))
        assert log.values(ATTEMPT, Label.HOLEPUNCH_SECRET) == (ONE.value, later.value)
        assert log.values(OTHER, Label.HOLEPUNCH_SECRET) == (THREE.value,)
        assert log.values(OTHER, Label.SERVER_EPHEMERAL_KEY) == ()
        assert log.secrets() == (ONE, later, TWO, THREE)

    def test_add_line_returns_news_only(self) -> None:
        log = KeyLog()
        assert log.add_line(LINE.encode()) == ONE
        assert log.add_line(LINE.encode()) is None
        assert log.add_line(b"# comment") is None
        assert log.add_line(b"?") is None
        assert log.lines == 4

    def test_noise_secrets_of_an_attempt(self) -> None:
        log = KeyLog.parse(format_secrets(Secret(label, ATTEMPT, bytes((n,)) * 32) for n, label in enumerate(Label)))
        known = log.noise_secrets(ATTEMPT, server_static=(b"s" * 32,), client_static=(b"c" * 32,))
        numbers = {label: n for n, label in enumerate(Label)}
        for field, label in (
            (known.client_ephemeral, Label.CLIENT_EPHEMERAL_KEY),
            (known.server_ephemeral, Label.SERVER_EPHEMERAL_KEY),
            (known.static_1_key, Label.NOISE_1_STATIC_KEY),
            (known.payload_1_key, Label.NOISE_1_PAYLOAD_KEY),
            (known.payload_2_key, Label.NOISE_2_PAYLOAD_KEY),
        ):
            assert field == (bytes((numbers[label],)) * 32,)
        assert (known.server_static, known.client_static) == ((b"s" * 32,), (b"c" * 32,))
        assert log.noise_secrets(OTHER).payload_1_key == ()


@given(st.lists(secrets))
def test_what_is_written_is_read(entries: list[Secret]) -> None:
    text = format_secrets(entries)
    log = KeyLog.parse(text)
    assert set(log.secrets()) == set(entries)
    assert (log.lines, log.malformed, log.unknown) == (len(entries), 0, 0)
    assert KeyLog.parse(text.encode()).secrets() == log.secrets()


@given(st.binary() | st.text(st.characters(exclude_categories=())))
def test_any_content_is_read_and_every_line_accounted_for(content: bytes | str) -> None:
    """The law: whatever the content, each line is a secret, a comment, an unknown label or a malformed line."""
    log = KeyLog.parse(content)
    assert len(log.errors) == log.malformed
    assert log.malformed + log.unknown + len(log.secrets()) <= log.lines


class TestAppend:
    def test_creates_for_the_owner_only_whatever_the_umask(self, tmp_path: Path) -> None:
        path = tmp_path / "keys.log"
        mask = os.umask(0)
        try:
            append_secrets(path, [ONE])
        finally:
            os.umask(mask)
        append_secrets(path, [TWO, THREE])
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text() == format_secrets([ONE, TWO, THREE])
        assert read_keylog(path).secrets() == (ONE, TWO, THREE)

    def test_narrows_a_mode_too_wide(self, tmp_path: Path) -> None:
        path = tmp_path / "keys.log"
        path.write_text("# old\n")
        path.chmod(0o644)
        append_secrets(path, [ONE])
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text() == "# old\n" + format_secrets([ONE])

    def test_refuses_what_is_no_file_of_the_owner(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        os.mkfifo(tmp_path / "pipe")
        reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
        try:
            with pytest.raises(PermissionError, match="not a regular file"):
                append_secrets(tmp_path / "pipe", [ONE])
        finally:
            os.close(reader)
        path = tmp_path / "keys.log"
        path.write_text("")
        monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
        with pytest.raises(PermissionError, match="another user"):
            append_secrets(path, [ONE])
        assert path.read_bytes() == b""

    def test_missing_folder_and_directory(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            append_secrets(tmp_path / "no" / "keys.log", [ONE])
        with pytest.raises(IsADirectoryError):
            append_secrets(tmp_path, [ONE])
        with pytest.raises(IsADirectoryError):
            read_keylog(tmp_path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.log"


@pytest.fixture
def tail(path: Path) -> KeyLogTail:
    return KeyLogTail(path)


class TestTail:
    def test_waits_for_the_file_and_follows_it(self, path: Path, tail: KeyLogTail) -> None:
        assert tail.poll() == ()
        append_secrets(path, [ONE])
        assert tail.poll() == (ONE,)
        assert tail.poll() == ()
        append_secrets(path, [ONE, TWO])
        append_secrets(path, [THREE])
        assert tail.poll() == (TWO, THREE)
        assert tail.log.secrets() == (ONE, TWO, THREE)
        assert tail.log.lines == 4

    def test_a_line_in_pieces(self, path: Path, tail: KeyLogTail) -> None:
        text = format_secrets([ONE])
        news: list[tuple[Secret, ...]] = []
        for character in text:
            with path.open("a") as file:
                file.write(character)
            news.append(tail.poll())
        assert news.count((ONE,)) == 1
        assert news.index((ONE,)) == len(text) - 2
        assert news.count(()) == len(text) - 1
        assert (tail.log.lines, tail.log.malformed) == (1, 0)

    def test_a_last_line_without_line_end_counts_once(self, path: Path, tail: KeyLogTail) -> None:
        path.write_text(LINE)
        assert tail.poll() == (ONE,)
        with path.open("a") as file:
            file.write("\n" + format_secrets([TWO]))
        assert tail.poll() == (TWO,)
        assert (tail.log.lines, tail.log.malformed) == (2, 0)

    def test_truncated(self, path: Path, tail: KeyLogTail) -> None:
        append_secrets(path, [ONE, TWO])
        tail.poll()
        os.truncate(path, 0)
        assert tail.poll() == ()
        append_secrets(path, [THREE])
        assert tail.poll() == (THREE,)
        assert tail.restarts == 1
        assert tail.log.secrets() == (ONE, TWO, THREE)

    def test_replaced_after_a_last_line(self, path: Path, tail: KeyLogTail) -> None:
        append_secrets(path, [ONE])
        tail.poll()
        append_secrets(path, [TWO])
        path.rename(path.with_suffix(".1"))
        append_secrets(path, [THREE])
        assert tail.poll() == (TWO, THREE)
        assert tail.restarts == 1

    def test_removed_and_there_again(self, path: Path, tail: KeyLogTail) -> None:
        append_secrets(path, [ONE])
        assert tail.poll() == (ONE,)
        path.unlink()
        assert tail.poll() == ()
        append_secrets(path, [TWO])
        assert tail.poll() == (TWO,)

    def test_an_unfinished_line_of_a_replaced_file_is_malformed(self, path: Path, tail: KeyLogTail) -> None:
        path.write_text(LINE[:40])
        tail.poll()
        path.rename(path.with_suffix(".1"))
        append_secrets(path, [TWO])
        assert tail.poll() == (TWO,)
        assert [error.line for error in tail.log.errors] == [1]

    def test_a_line_without_end_is_not_kept(self, path: Path, tail: KeyLogTail) -> None:
        with path.open("w") as file:
            file.write("A" * 1_000_000)
        assert tail.poll() == ()
        assert len(tail._partial) <= LONGEST_LINE + 1
        with path.open("a") as file:
            file.write("\n" + LINE + "\n")
        assert tail.poll() == (ONE,)
        assert [error.reason for error in tail.log.errors] == [f"longer than {LONGEST_LINE} bytes"]

    def test_what_is_no_file_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(OSError, match="not a regular file"):
            KeyLogTail(tmp_path).poll()
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(OSError, match="not a regular file"):
            KeyLogTail(tmp_path / "pipe").poll()

    def test_after_close_it_begins_anew(self, path: Path, tail: KeyLogTail) -> None:
        append_secrets(path, [ONE])
        tail.poll()
        tail.close()
        append_secrets(path, [TWO])
        assert tail.poll() == (TWO,)


@given(st.binary(max_size=300) | st.lists(secrets, max_size=4).map(lambda s: format_secrets(s).encode()), st.data())
def test_any_pieces_give_what_the_whole_gives(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, data: st.DataObject
) -> None:
    """The law: in whatever pieces a file grows, a tail knows in the end what reading it whole tells."""
    path = tmp_path_factory.mktemp("tail") / "keys.log"
    tail = KeyLogTail(path)
    news: list[Secret] = []
    start = 0
    while start < len(content):
        end = data.draw(st.integers(start + 1, len(content)))
        with path.open("ab") as file:
            file.write(content[start:end])
        news += tail.poll()
        start = end
    tail.close()
    assert set(news) == set(tail.log.secrets()) >= set(KeyLog.parse(content).secrets())
    assert tail.restarts == 0


def test_the_hook_is_where_it_is_said_to_be() -> None:
    assert HOOK.is_file()
    assert HOOK.suffix == ".cjs"
