"""Channels: the same bytes at the same moments as the real protomux, and what it does not allow."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.blind_relay.frames import (
    ChannelFrame,
    CloseFrame,
    Frame,
    OpenFrame,
    RejectFrame,
    channel_of,
    encode_batch,
    encode_entry,
    encode_frame,
)
from protocol.blind_relay.limits import MuxLimits
from protocol.blind_relay.mux import MAX_BATCH, Channel, ChannelClosed, ChannelMessage, ChannelOpened, Mux
from protocol.errors import DecodeError
from protocol.stream.states import LocalProtocolError
from tests.protocol.codecs import load

TALKS = load("blind_relay")["mux"]


def unhex(text: str | None) -> bytes:
    return bytes.fromhex(text or "")


class Replay:
    """Our two ends, doing what the real ones did; each message has to be the recorded one."""

    def __init__(self) -> None:
        self.muxes = {"a": Mux(), "b": Mux()}
        self.channels: dict[tuple[str, str], Channel] = {}
        self.names: dict[Channel, str] = {}
        self.out: dict[str, list[bytes]] = {"a": [], "b": []}
        self.events: dict[str, list[Any]] = {"a": [], "b": []}
        self.failed: list[str] = []

    def collect(self) -> None:
        for side, mux in self.muxes.items():
            while (event := mux.poll_event()) is not None:
                name = self.names[event.channel]
                if isinstance(event, ChannelOpened):
                    self.events[side].append(("opened", name, event.handshake))
                elif isinstance(event, ChannelMessage):
                    self.events[side].append(("message", name, event.type, event.content))
                else:
                    self.events[side].append(("closed", name))
            while (message := mux.poll_message()) is not None:
                self.out[side].append(message)

    def act(self, side: str, act: str, args: list[Any]) -> None:
        mux = self.muxes[side]
        if act == "open":
            name, protocol, key, handshake, *aliases = args
            channel = mux.open(protocol, unhex(key), unhex(handshake), aliases=tuple(aliases[0]) if aliases else ())
            self.channels[side, name] = channel
            self.names[channel] = name
        elif act == "send":
            mux.send(self.channels[side, args[0]], args[1], unhex(args[2]))
        elif act == "close":
            mux.close(self.channels[side, args[0]])
        elif act == "cork":
            mux.cork()
        else:
            mux.uncork()

    def carry(self, side: str, message: bytes) -> None:
        assert self.out[side].pop(0) == message
        other = "b" if side == "a" else "a"
        try:
            self.muxes[other].receive(message)
        except DecodeError:
            self.failed.append(other)
        self.collect()


@pytest.mark.parametrize("steps", TALKS.values(), ids=TALKS.keys())
def test_says_what_the_reference_says(steps: list[dict[str, Any]]) -> None:
    replay = Replay()
    expected: dict[str, list[Any]] = {"a": [], "b": []}
    failed = []
    for step in steps:
        if "act" in step:
            replay.act(step["side"], step["act"], step["args"])
            if step["act"] != "cork":
                replay.collect()
        elif "from" in step:
            replay.carry(step["from"], bytes.fromhex(step["hex"]))
        elif "error" in step:
            failed.append(step["side"])
        elif step["side"] not in failed:
            event = [step["event"], step["channel"]]
            if step["event"] == "opened":
                event.append(unhex(step["handshake"]))
            elif step["event"] == "message":
                event += [step["type"], unhex(step["content"])]
            expected[step["side"]].append(tuple(event))
    assert replay.events == expected
    assert replay.failed == failed
    assert replay.out == {"a": [], "b": []}


def opened(limits: MuxLimits | None = None) -> tuple[Mux, Channel]:
    mux = Mux(limits)
    channel = mux.open("x")
    mux.receive(encode_frame(OpenFrame(1, "x")))
    assert mux.poll_event() == ChannelOpened(channel, b"")
    while mux.poll_message():
        pass
    return mux, channel


def test_a_second_channel_of_a_name_is_the_owners_mistake() -> None:
    mux, channel = opened()
    with pytest.raises(LocalProtocolError):
        mux.open("x")
    with pytest.raises(LocalProtocolError):
        mux.open("y", aliases=("x",))
    mux.open("x", b"key")
    mux.close(channel)
    mux.close(channel)
    with pytest.raises(LocalProtocolError):
        mux.send(channel, 0, b"")
    assert mux.open("x").id == 1


def test_other_names_are_free_when_the_channel_is_closed() -> None:
    mux = Mux()
    channel = mux.open("new", aliases=("old",))
    mux.receive(encode_frame(OpenFrame(1, "old")))
    assert mux.poll_event() == ChannelOpened(channel, b"")
    mux.close(channel)
    again = mux.open("old")
    mux.receive(encode_frame(OpenFrame(1, "new")))
    assert mux.poll_event() is None
    assert mux.rejected == 1
    mux.receive(encode_frame(OpenFrame(1, "old")))
    assert mux.poll_event() == ChannelOpened(again, b"")


def test_no_more_channels_than_allowed() -> None:
    mux = Mux(MuxLimits(max_channels=2))
    mux.open("x")
    mux.close(mux.open("y"))
    with pytest.raises(LocalProtocolError):
        mux.open("z")
    mux.receive(encode_frame(RejectFrame(2)))
    mux.open("z")


@pytest.mark.parametrize(
    "frame",
    [OpenFrame(0, "x"), OpenFrame(1, "x"), OpenFrame(3, "x"), RejectFrame(1), RejectFrame(0), RejectFrame(9)],
    ids=["zero", "twice", "skips", "answered before", "reject of nothing", "reject of another"],
)
def test_what_protomux_does_not_allow(frame: Frame) -> None:
    mux, _ = opened()
    with pytest.raises(DecodeError):
        mux.receive(encode_frame(frame))


@pytest.mark.parametrize("frame", [CloseFrame(0), CloseFrame(2), ChannelFrame(2, 0, b""), ChannelFrame(0, 4, b"later")])
def test_what_means_nothing_is_counted(frame: Frame) -> None:
    mux, channel = opened()
    mux.receive(encode_frame(frame))
    assert mux.ignored == 1
    assert mux.poll_event() is None
    assert mux.poll_message() is None
    assert not channel.closed


def test_unknown_protocols_are_rejected_and_their_numbers_are_bounded() -> None:
    mux = Mux(MuxLimits(max_channels=3))
    for number in (1, 2, 3, 1):
        mux.receive(encode_frame(OpenFrame(number, "y")))
        assert mux.poll_message() == encode_frame(RejectFrame(number))
    assert mux.rejected == 4
    with pytest.raises(DecodeError, match="above 3"):
        mux.receive(encode_frame(OpenFrame(4, "y")))


def test_answers_to_a_batch_are_a_batch() -> None:
    mux = Mux()
    entries = [(0, encode_entry(OpenFrame(number, "y"))) for number in (1, 2)]
    mux.receive(encode_batch(entries))
    mux.receive(encode_batch([(0, encode_entry(OpenFrame(3, "y"))), (7, b"\0")]))
    assert mux.backlog > 0
    assert mux.poll_message() == encode_batch([(0, encode_entry(RejectFrame(number))) for number in (1, 2, 3)])
    assert mux.poll_message() is None
    assert mux.backlog == 0


def test_a_large_batch_is_sent_in_parts() -> None:
    mux, channel = opened()
    mux.cork()
    for _ in range(3):
        mux.send(channel, 0, bytes(MAX_BATCH - 1))
    mux.send(channel, 0, b"rest")
    mux.uncork()
    sizes = []
    while (message := mux.poll_message()) is not None:
        sizes.append(len(message))
    assert [size > MAX_BATCH for size in sizes] == [True, True, True, False]


FRAMES = st.one_of(
    st.builds(
        OpenFrame,
        st.integers(0, 6),
        st.sampled_from(["x", "y", "z"]),
        st.sampled_from([None, b"k"]),
        st.binary(max_size=3),
    ),
    st.builds(RejectFrame, st.integers(0, 6)),
    st.builds(CloseFrame, st.integers(0, 6)),
    st.builds(ChannelFrame, st.integers(0, 6), st.integers(4, 6), st.binary(max_size=3)),
)
MESSAGES = st.one_of(
    FRAMES.map(encode_frame),
    st.lists(FRAMES, max_size=5).map(
        lambda some: encode_batch([(channel_of(f), encode_entry(f)) for f in some] or [(1, b"\0")])
    ),
    st.binary(max_size=20),
)
ACTS = st.lists(
    st.one_of(MESSAGES, st.tuples(st.sampled_from(["open", "close", "send"]), st.integers(0, 3))), max_size=40
)


@given(ACTS)
def test_whatever_comes_there_are_events_or_one_error(acts: list[Any]) -> None:
    """No act of a peer raises anything but DecodeError, and none makes more than it says."""
    mux = Mux(MuxLimits(max_channels=4))
    live: list[Channel] = []
    ended: set[Channel] = set()
    for act in acts:
        if isinstance(act, bytes):
            try:
                mux.receive(act)
            except DecodeError:
                return
        elif act[0] == "open":
            try:
                live.append(mux.open("xyz"[act[1] % 3], [None, b"k"][act[1] % 2]))
            except LocalProtocolError:
                assert len(live) + len(ended) > 0
        elif live and act[0] == "close":
            channel = live.pop(act[1] % len(live))
            mux.close(channel)
            ended.add(channel)
        elif live and not live[-1].closed:
            mux.send(live[-1], 0, b"content")
        while (event := mux.poll_event()) is not None:
            if isinstance(event, ChannelClosed):
                assert event.channel not in ended
                ended.add(event.channel)
                live = [channel for channel in live if channel is not event.channel]
        while mux.poll_message() is not None:
            pass
        assert mux.backlog == 0
        assert len({channel.id for channel in live}) == len(live) <= 4
        remote = [channel.remote_id for channel in live if channel.remote_id is not None]
        assert len(set(remote)) == len(remote)
