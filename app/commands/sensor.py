"""`peephole sensor`: what is captured here, published for others to see."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import socket
import threading
import time
from contextlib import ExitStack
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from app.cli import complain
from app.configured import packets_kept
from app.exit_status import CommandError, ExitStatus
from app.live_feed import LiveFeed
from app.nats_options import bus_of
from app.reading import keys_of
from app.salt_file import salt_phrase
from app.sensing import Sensor, Teller
from app.several_input import check_inputs, opened_inputs
from app.versions import version
from app.wording import counted

if TYPE_CHECKING:
    from capture.live import LiveSource
    from capture.sensors.publisher import Publisher
    from capture.sensors.records import Record
    from capture.story import Story

TICK: Final = 0.25
"""Seconds between two looks at what arrived."""
LINGER: Final = 30.0
"""Seconds that the last records may take when the sensor ends."""
STREAM_BYTES: Final = 1 << 30
"""Bytes of a stream that we make."""


def run(options: argparse.Namespace) -> int:
    """Publish until Ctrl-C, the duration is over, or nothing more can come."""
    check_inputs(options)
    _check(options)
    from app.live_story import retention_of
    from capture.sensors.outbox import Outbox
    from capture.sensors.published_stream import Limits
    from capture.sensors.publisher import Publisher
    from capture.sensors.records import kind_of, subject_of
    from capture.sensors.reporter import Reporter
    from capture.story import Story

    bus = bus_of(options, options.to or os.environ["NATS_URL"])
    phrase = _phrase(options)
    sensor = _sensor(options, phrase)
    keys = keys_of(options, may_come_later=True)
    create = Limits(options.max_bytes or STREAM_BYTES, options.max_age or 0.0) if options.create else None
    with ExitStack() as stack:
        capture = opened_inputs(options, stack)
        story = Story(capture.table, keys)
        publisher = Publisher(bus, f"peephole sensor {sensor.token}", Outbox(), create, complain)

        def put(record: Record, encoded: bytes) -> None:
            publisher.put(subject_of(bus.stream, sensor.token, kind_of(record)), record.head.message_id, encoded)

        reporter = Reporter(story, everything=options.all, phrase=phrase, ports=options.redact_ports)
        teller = Teller(sensor, story, reporter, put)
        feed = LiveFeed(capture, retention=retention_of(story, capture, packets_kept(options)))
        teller.begin()
        publisher.start()
        if options.with_secrets:
            complain("SECRETS ARE PUBLISHED: whoever reads the stream can open the payloads of attempts")
        complain(f"listening on {feed.name}, publishing to {bus.name} as {sensor.token}; Ctrl-C ends")
        return _Run(options, story, feed, capture, teller, publisher).run()


def _check(options: argparse.Namespace) -> None:
    """Refuse what does not go together.

    Raises:
        CommandError: it says what.
    """
    wrong = ""
    if not (options.to or os.environ.get("NATS_URL")):
        wrong = "where is it to be published? --to nats://HOST:PORT/STREAM, or $NATS_URL"
    elif (options.max_bytes or options.max_age) and not options.create:
        wrong = "--max-bytes and --max-age go with --create"
    elif _redacts(options) and options.with_secrets:
        wrong = "--with-secrets does not go with --redact: the keys are what it hides"
    elif _redacts(options) and (options.keylog or options.secret_key):
        wrong = (
            "--keylog and --secret-key do not go with --redact: what they open is masked otherwise than where it stays "
            "closed, so that captures of several sensors would not fit together"
        )
    if wrong:
        raise CommandError(ExitStatus.USAGE, wrong)


def _redacts(options: argparse.Namespace) -> bool:
    return bool(options.redact or options.redact_salt or options.redact_ports)


def _phrase(options: argparse.Namespace) -> str | None:
    """What masks are made from; None where nothing is masked."""
    if not _redacts(options):
        return None
    return salt_phrase(options.redact_salt) if options.redact_salt else secrets.token_hex(32)


def _sensor(options: argparse.Namespace, phrase: str | None) -> Sensor:
    from capture.sensors.records import MOST_TEXT, token_of

    name = options.name
    if name is None:
        name = socket.gethostname()
        if phrase is not None:
            name = "sensor-" + blake2b(name.encode(), digest_size=4, key=phrase.encode()[:64]).hexdigest()
    return Sensor(
        token_of(name),
        name[:MOST_TEXT],
        f"peephole {version()}",
        phrase is not None,
        options.all,
        options.with_secrets,
    )


class _Run:
    """Goes on until there is an end."""

    def __init__(
        self,
        options: argparse.Namespace,
        story: Story,
        feed: LiveFeed,
        capture: LiveSource,
        teller: Teller,
        publisher: Publisher,
    ) -> None:
        self._options = options
        self._story = story
        self._feed = feed
        self._capture = capture
        self._teller = teller
        self._publisher = publisher
        self._leave = threading.Event()
        self._give_up = threading.Event()

    def run(self) -> int:
        from capture.errors import LiveError
        from capture.growing.capture import EndedError

        old = {number: signal.signal(number, self._asked_to_leave) for number in (signal.SIGINT, signal.SIGTERM)}
        status: int = ExitStatus.OK
        reason = ""
        try:
            self._watch()
        except EndedError as error:
            reason = str(error)
        except LiveError as error:
            complain(str(error))
            reason = str(error)
            status = ExitStatus.UNREADABLE
        self._feed.finish()
        changed = self._story.update()
        self._feed.let_go(self._teller.wants)
        self._teller.end(changed, reason)
        left = self._publisher.finish(LINGER, self._give_up.is_set)
        for number, handler in old.items():
            signal.signal(number, handler)
        self._feed.tell_losses()
        complain(f"published {counted(self._teller.told - left, 'record')}")
        if left:
            complain(f"{counted(left, 'record')} could not be published")
            status = ExitStatus.UNREADABLE
        return status

    def _watch(self) -> None:
        limit = self._options.duration
        end = None if limit is None else time.monotonic() + limit
        self._teller.step(flow.id for flow in self._story.flows)
        while not self._leave.is_set() and (end is None or time.monotonic() < end):
            if not self._publisher.wait_for_room(TICK):
                # What comes meanwhile waits where it is, or is lost and counted there.
                continue
            began = time.monotonic()
            self._capture.wait(TICK)
            # Not with each packet: what came within a look goes out together.
            self._leave.wait(max(0.0, TICK - (time.monotonic() - began)))
            self._feed.poll()
            self._teller.step(self._story.update())
            self._feed.let_go(self._teller.wants)

    def _asked_to_leave(self, *_: object) -> None:
        if self._leave.is_set():
            self._give_up.set()
        self._leave.set()
