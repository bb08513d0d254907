"""Attempts for one side of which a proxy punched, as a capture shows them.

The fixture is `tests.natlab.proxied`, seen from the wide area: a client of ours and a real server behind random NATs, a
proxy with a public address, a DHT of real nodes.
"""

from __future__ import annotations

from pathlib import Path

from capture.model import Outcome, VerdictCode
from capture.model import Path as Way
from capture.story import Story

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
    )


def test_the_rounds_of_a_proxy_open_like_all_others() -> None:
    _, proxied = sorted(Story.open([str(FIXTURE)]).flows, key=lambda flow: len(flow.rounds))
    assert [one.request is not None and one.reply is not None for one in proxied.rounds] == [True, True]
    assert proxied.server_token.value == "verified"
    assert proxied.client_token.value == "verified"
