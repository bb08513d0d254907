"""Two messages side by side, and what hops change."""

from app.draw.difference import (
    Change,
    Hop,
    aligned_bytes,
    difference_page,
    field_changes,
    hops_page,
)
from app.draw.message import DATAGRAM, PLAINTEXT, MessageView, message_view
from app.draw.spans import text_of, width_of
from capture.model import Flow, FlowMessage
from capture.story import Story
from tests.capture.story_builder import called


def a_story() -> tuple[Story, Flow]:
    wire, call = called()
    call.probe()
    call.agree()
    story = wire.story()
    (flow,) = story.flows
    return story, flow


def legs(flow: Flow, command: str) -> list[FlowMessage]:
    return [one for one in flow.messages if one.command == command and one.mode is not None]


def taken_apart(story: Story, flow: Flow, message: FlowMessage) -> MessageView:
    sighting = message.sighting
    return message_view(story.payload(sighting), sighting, story.endpoints(sighting), story.ttl(sighting), flow=flow)


def changed(left: MessageView, right: MessageView) -> dict[str, Change]:
    return {one.name: one.change for one in field_changes(left, right) if one.leaf and one.change is not Change.SAME}


def test_a_message_differs_in_nothing_from_itself() -> None:
    story, flow = a_story()
    for message in flow.messages:
        view = taken_apart(story, flow, message)
        assert changed(view, view) == {}
        for part, content in enumerate(view.parts):
            assert aligned_bytes(view, view, part) == [(at, at) for at in range(len(content))]


def test_a_relay_writes_mode_addresses_and_id_anew() -> None:
    story, flow = a_story()
    first, second = (taken_apart(story, flow, one) for one in legs(flow, "PEER_HANDSHAKE")[:2])
    found = changed(first, second)
    assert found["id"] is Change.RIGHT
    assert found["peer_address"] is Change.RIGHT
    assert found["mode"] is Change.CHANGED
    assert found["to"] is Change.CHANGED
    assert not {"tid", "command", "target", "e", "sealed_s", "sealed_payload"} & found.keys()
    assert changed(second, first)["id"] is Change.LEFT


def test_what_is_inside_the_payload_is_compared_too() -> None:
    story, flow = a_story()
    asked = [one for one in legs(flow, "PEER_HOLEPUNCH") if one.mode == "FROM_CLIENT"]
    probe, punch = (taken_apart(story, flow, one) for one in asked)
    found = [one for one in field_changes(probe, punch) if one.part == PLAINTEXT and one.change is not Change.SAME]
    changes = {one.name: one.change for one in found if one.leaf}
    assert changes["round"] is Change.CHANGED
    assert changes["token"] is changes["remote_token"] is Change.RIGHT


def test_every_byte_of_both_stands_somewhere_once() -> None:
    story, flow = a_story()
    views = [taken_apart(story, flow, message) for message in flow.messages]
    for left in views:
        for right in views:
            for part in range(min(len(left.parts), len(right.parts))):
                cells = aligned_bytes(left, right, part)
                assert [at for at, _ in cells if at is not None] == list(range(len(left.parts[part])))
                assert [at for _, at in cells if at is not None] == list(range(len(right.parts[part])))


def test_a_field_that_came_in_does_not_shift_the_bytes_behind_it() -> None:
    story, flow = a_story()
    first, second = (taken_apart(story, flow, one) for one in legs(flow, "PEER_HANDSHAKE")[:2])
    cells = aligned_bytes(first, second, DATAGRAM)
    a, b = first.parts[DATAGRAM], second.parts[DATAGRAM]
    differing = sum(left is None or right is None or a[left] != b[right] for left, right in cells)
    # Flags, host of `to`, id, length, flags, mode and the peer's address; not the noise message behind them.
    assert 40 <= differing <= 52


def test_the_page_says_what_differs_by_sign_and_number_and_fits() -> None:
    story, flow = a_story()
    first, second = (taken_apart(story, flow, one) for one in legs(flow, "PEER_HANDSHAKE")[:2])
    for width in (76, 100, 128):
        page = difference_page(first, second, width)
        text = "\n".join(text_of(one.line) for one in page)
        assert "≠" in text
        assert "+" in text
        assert "fields of" in text
        assert all(width_of(one.line) <= width + 2 for one in page)
    same = "\n".join(text_of(one.line) for one in difference_page(first, first, 100))
    assert "are the same" in same
    assert "≠" not in same


def test_hops_name_only_what_changed_and_lead_to_their_packets() -> None:
    story, flow = a_story()
    way = legs(flow, "PEER_HANDSHAKE")
    hops = [Hop(taken_apart(story, flow, one), one.sighting, one.mode or "", one.mode == "FROM_SERVER") for one in way]
    page = hops_page(hops, 100)
    text = "\n".join(text_of(one.line) for one in page)
    assert [one.link for one in page if one.link is not None] == [one.sighting for one in way]
    assert "FROM_CLIENT → 2  FROM_RELAY" in text
    assert "the other side answers" in text
    assert not any(line.lstrip("≠+− ").startswith("target ") for line in text.split("answers")[0].splitlines())
    assert "fields as before" in text
