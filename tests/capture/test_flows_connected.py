"""Verdicts of attempts that connected, each from the packets that prove it."""

from __future__ import annotations

from capture.model import Outcome, Path, VerdictCode
from capture.story import Keys, Story
from protocol.messages import Address
from tests.capture.noise_ik import keys_of
from tests.capture.story_builder import CLIENT, OPEN, RANDOM, RELAY, SERVER, Call, called, hello, says, udx
from tests.capture.wire_builder import Wire

BLIND = Address("47.9.9.9", 41000)


def frames(story: Story) -> list[tuple[int, bytes]]:
    """The evidence of the one attempt: frame numbers and bytes."""
    (flow,) = story.flows
    return [(proof.sighting.frame, story.payload(proof.sighting)) for proof in flow.verdict.evidence]


def test_punched() -> None:
    wire, call = called()
    call.probe()
    call.agree()
    call.punch()
    call.punch(by_client=False)
    call.stream()
    story = wire.story()
    (flow,) = story.flows
    assert (flow.verdict.code, flow.outcome, flow.path) == (VerdictCode.PUNCHED, Outcome.CONNECTED, Path.PUNCHED)
    assert not flow.fast_open
    assert not flow.verdict.inferred
    assert frames(story) == [(15, b"\0"), (17, udx(call.streams[0]))]


def test_punched_in_the_probe_round_is_fast_open() -> None:
    wire, call = called()
    call.punch(low=True)
    call.probe()
    call.punch(by_client=False)
    call.stream()
    flow = wire.flow()
    assert flow.verdict.code is VerdictCode.PUNCHED
    assert flow.fast_open
    assert "fast open" in flow.verdict.summary
    assert (flow.client_probes.low_ttl, flow.client_probes.normal) == (1, 0)


def test_punched_by_one_of_many_random_ports() -> None:
    wire, call = called()
    call.probe(RANDOM)
    call.agree(RANDOM)
    for port in range(1025, 1325):
        wire.send(Address(CLIENT.host, port), call.server_puncher, b"\0")
    call.stream(client=Address(CLIENT.host, 1200))
    flow = wire.flow()
    assert flow.verdict.code is VerdictCode.PUNCHED
    assert (flow.client_probes.normal, flow.client_probes.ports) == (300, 300)
    (burst,) = [step for step in flow.steps if step.kind == "punch"]
    assert (burst.count, burst.ports) == (300, 300)
    assert len(burst.members) == 300


def test_open_server_from_what_happened() -> None:
    wire, call = called()
    call.stream(client=call.client, server=call.server_puncher)
    flow = wire.flow()
    assert (flow.verdict.code, flow.path) == (VerdictCode.OPEN_SERVER, Path.OPEN)


def test_open_client_from_what_happened() -> None:
    wire, call = called()
    wire.send(call.server_puncher, CLIENT, udx(78))
    wire.send(CLIENT, call.server_puncher, udx(77))
    flow = wire.flow()
    assert (flow.verdict.code, flow.path) == (VerdictCode.OPEN_CLIENT, Path.OPEN)


def test_what_was_said_outweighs_who_spoke_first() -> None:
    wire = Wire()
    call = Call(wire, asks=hello(OPEN))
    call.find()
    call.handshake()
    call.stream(client=call.client, server=call.server_puncher)
    assert wire.flow().verdict.code is VerdictCode.OPEN_SERVER
    assert wire.flow(Keys(secret_keys=(call.key.seed,))).verdict.code is VerdictCode.OPEN_CLIENT


def test_a_server_that_is_asked_directly_is_open() -> None:
    wire = Wire()
    call = Call(wire)
    call.find()
    call.direct_handshake()
    wire.send(SERVER, CLIENT, udx(78))
    wire.send(CLIENT, SERVER, udx(77))
    flow = wire.flow()
    assert flow.verdict.code is VerdictCode.OPEN_SERVER
    assert flow.server == SERVER
    assert [lane.id for lane in flow.lanes] == ["client", "server", "nodes"]
    assert flow.relays == ()


def test_lan() -> None:
    wire = Wire()
    neighbour = Address(CLIENT.host, 40002)
    call = Call(wire, server=neighbour, server_puncher=Address(CLIENT.host, 50002))
    inside, server_inside = Address("192.168.1.5", 40001), Address("192.168.1.6", 40002)
    call.find()
    call.handshake()
    wire.ping(inside, server_inside)
    call.stream(client=inside, server=server_inside)
    story = wire.story()
    lan = next(flow for flow in story.flows if flow.id == call.noise.id)
    # Nothing ties the private hosts to the peers from outside: what is left is a good guess.
    assert (lan.verdict.code, lan.path, lan.verdict.inferred) == (VerdictCode.LAN, Path.LAN, True)


def test_lan_seen_from_inside() -> None:
    wire = Wire()
    inside, server_inside = Address("192.168.1.5", 40001), Address("192.168.1.6", 40002)
    outside = Address("81.2.3.4", 33333)
    call = Call(wire, client=inside, server=server_inside, server_puncher=Address("81.2.3.4", 44444))
    call.find()
    tid = call.handshake(legs="1")
    call.reply_handshake(tid, to=outside)
    call.stream(client=inside, server=server_inside)
    flow = wire.flow()
    assert (flow.verdict.code, flow.path, flow.verdict.inferred) == (VerdictCode.LAN, Path.LAN, False)
    assert (flow.client, flow.lane("client").inside) == (outside, (inside,))


def blind_relay(*, direct_after: bool) -> tuple[Wire, Call]:
    """A call whose stream runs over the client's connection to a blind relay."""
    wire, call = called()
    carrier = Call(
        wire,
        "carrier",
        server=BLIND,
        server_puncher=BLIND,
        key=keys_of("the blind relay"),
    )
    carrier.find()
    carrier.handshake(RELAY)
    carrier.stream(client=CLIENT, server=BLIND)
    wire.send(CLIENT, BLIND, udx(501))
    wire.send(BLIND, CLIENT, udx(502))
    if direct_after:
        call.probe()
        call.agree()
        call.punch()
        call.stream()
    return wire, call


def test_relayed() -> None:
    wire, call = blind_relay(direct_after=False)
    story = wire.story()
    flow = story.flow(call.noise.id)
    assert (flow.verdict.code, flow.outcome, flow.path) == (VerdictCode.RELAYED, Outcome.CONNECTED, Path.RELAYED)
    assert story.payload(flow.verdict.evidence[0].sighting) in (udx(501), udx(502))
    assert flow.lane("blind").addresses == (BLIND,)
    (carrier,) = [other for other in story.flows if other is not flow]
    assert carrier.verdict.code is VerdictCode.OPEN_SERVER


def test_upgraded() -> None:
    wire, call = blind_relay(direct_after=True)
    flow = wire.story().flow(call.noise.id)
    assert (flow.verdict.code, flow.outcome, flow.path) == (VerdictCode.UPGRADED, Outcome.CONNECTED, Path.UPGRADED)
    assert len(flow.verdict.evidence) == 2


def test_a_stream_that_came_up_outweighs_an_abort() -> None:
    wire, call = called()
    call.probe()
    call.punch(by_client=False)
    call.stream()
    call.round(says(error=1, round=1), says(error=1, round=1))
    assert wire.flow().verdict.code is VerdictCode.PUNCHED
