"""Attempts for one side of which a proxy punched, as a capture shows them.

The fixture is `tests.natlab.proxied`, seen from the wide area: a client of ours and a real server behind random NATs, a
proxy with a public address, a DHT of real nodes.
"""

from __future__ import annotations

from pathlib import Path

from capture.model import Outcome, Role, VerdictCode
from capture.model import Path as Way
from capture.story import Story
from protocol.envelope import decode_request
from protocol.proxy.handoff import PLUGIN, HandoffCommand
from protocol.storage_values import decode_plugin_request

FIXTURE = Path(__file__).parent.parent / "fixtures" / "proxied" / "client-wan.pcap.gz"


def test_a_proxied_client_has_punched_and_its_proxy_is_named() -> None:
    link, proxied = sorted(Story.open([str(FIXTURE)]).flows, key=lambda flow: len(flow.rounds))
    assert link.verdict.code is VerdictCode.OPEN_SERVER
    assert proxied.verdict.code is VerdictCode.PUNCHED, "it is no blind relay: the ids of the streams are the same"
    assert proxied.outcome is Outcome.CONNECTED
    assert proxied.path is Way.PUNCHED
    assert link.server is not None
    assert proxied.notes == (
        f"a proxy at {link.server} punched in the client's place, and passed the stream's packets on as they were",
        "the NAT class of the client is its proxy's",
    )


def test_the_verdict_says_who_punched_and_proves_it() -> None:
    story = Story.open([str(FIXTURE)])
    link, proxied = sorted(story.flows, key=lambda flow: len(flow.rounds))
    assert proxied.verdict.summary.endswith(f" A proxy at {link.server} punched on the client's behalf.")
    (proxy,) = proxied.proxies
    assert (proxy.of_client, proxy.address, proxy.in_rounds, proxy.punched) == (True, link.server, True, True)
    assert proxy.hand_off is not None
    says = {one.says: one.sighting for one in proxied.verdict.evidence}
    assert says["the client hands over to its proxy"] == proxy.hand_off
    asked = decode_plugin_request(decode_request(story.payload(proxy.hand_off)).value or b"")
    assert (asked.plugin, asked.command) == (PLUGIN, HandoffCommand.START)
    hosts = {lane.role: {address.host for address in lane.addresses} for lane in proxied.lanes}
    for what in ("first message of a round with the proxy in the client's place", "first punch of the client's proxy"):
        source, _ = story.endpoints(says[what])
        assert source.host in hosts[Role.PROXY]
        assert source.host not in hosts[Role.CLIENT]
    assert link.proxies == ()


def test_the_rounds_of_a_proxy_open_like_all_others() -> None:
    _, proxied = sorted(Story.open([str(FIXTURE)]).flows, key=lambda flow: len(flow.rounds))
    assert [one.request is not None and one.reply is not None for one in proxied.rounds] == [True, True]
    assert proxied.server_token.value == "verified"
    assert proxied.client_token.value == "verified"
