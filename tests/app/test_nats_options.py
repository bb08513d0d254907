"""Options that name a stream: who we are, from when on, and what goes with what."""

from __future__ import annotations

import argparse
import time

import pytest

from app.exit_status import CommandError
from app.nats_options import bus_of, check_from, moment, since_of
from app.options import parser_of


def options_of(*arguments: str) -> argparse.Namespace:
    return parser_of("report").parse_args([*arguments])


def test_who_we_are_comes_from_the_url_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATS_USER", "ann")
    monkeypatch.setenv("NATS_PASSWORD", "hunter2")
    options = options_of("--from", "x")
    bus = bus_of(options, "nats://h/lab")
    assert (bus.user, bus.password) == ("ann", "hunter2")
    assert "hunter2" not in repr(bus)
    bus = bus_of(options, "nats://bob:b@h/lab")
    assert (bus.user, bus.password) == ("bob", "b")
    monkeypatch.delenv("NATS_USER")
    assert bus_of(options, "nats://h/lab").user is None


def test_files_are_taken_along() -> None:
    options = options_of(
        *("--from", "x", "--nats-ca", "ca", "--nats-cert", "cert", "--nats-key", "key", "--nats-creds", "creds")
    )
    bus = bus_of(options, "tls://h")
    assert (bus.authority, bus.certificate, bus.key, bus.credentials) == ("ca", "cert", "key", "creds")
    assert bus.secure


def test_a_key_without_a_certificate() -> None:
    with pytest.raises(CommandError, match="--nats-key goes with --nats-cert"):
        bus_of(options_of("--from", "x", "--nats-key", "key"), "nats://h")


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("2h", 7200), ("3d", 259_200), ("0s", 0)])
def test_so_long_ago(text: str, seconds: int) -> None:
    before = time.time()
    assert before - seconds <= moment(text) <= time.time() - seconds


def test_a_time_of_the_day() -> None:
    assert moment("2026-01-31T12:00+00:00") == 1_769_860_800


@pytest.mark.parametrize("text", ["", "soon", "90", "-5s", "9" * 30 + "s", "1900-01-01", "9999-12-31", "٣d"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="a time is written"):
        moment(text)


def test_where_to_begin() -> None:
    assert since_of(options_of("--from", "x")).everything
    assert since_of(options_of("--from", "x", "--new")).new
    assert since_of(options_of("--from", "x", "--since", "1970-01-02T00:00+00:00")).time_ns == 86_400 * 10**9


@pytest.mark.parametrize("option", ["--new", "--nats-ca=f", "--nats-creds=f", "--since=1h"])
def test_options_of_a_stream_go_with_one(option: str) -> None:
    with pytest.raises(CommandError, match="goes with --from"):
        check_from(options_of("some.pcap", option))
    check_from(options_of("--from", "x", option))
