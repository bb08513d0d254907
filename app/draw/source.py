"""Where live packets come from: the way they take, what is lost on it and by what, as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.draw import terms
from app.draw.linked import Linked, blank, heading, paragraph
from app.draw.spans import Tone
from app.terminal_text import safe_text
from app.wording import counted, grouped
from capture.ways_of_capture import Way

if TYPE_CHECKING:
    from capture.losses import Losses

WAY_MEANING: Final[dict[str, str]] = {
    Way.RING: "out of the kernel's ring of packet blocks (TPACKET_V3), with the kernel's times",
    Way.SCAPY: "one by one off scapy's own socket, which loses packets sooner than the ring: there is none here",
    Way.LIBPCAP: "one by one through libpcap; which way they passed is not told, nor what a full buffer lost",
    Way.DUMPCAP: "from dumpcap, which may open interfaces where you may not",
    Way.TCPDUMP: "from tcpdump, which may open interfaces where you may not",
    Way.SSH: "from dumpcap or tcpdump on another host",
    Way.PIPE: "out of a pipe that somebody writes a capture into",
    Way.FILE: "out of a file that somebody writes",
    Way.NATS: "from sensors on other hosts, out of a stream of a NATS server (docs/sensors.md)",
    Way.OWN: "what our own sockets send and receive",
}


def source_lines(
    name: str, way: str, promiscuous: bool | None, losses: Losses | None, packets: int, width: int
) -> list[Linked]:
    """What is listened on, how, and what is not there.

    Args:
        name: of the source.
        way: how packets come, as its `way` says.
        promiscuous: whether frames for other hosts are taken; None where nothing tells.
        losses: what was lost, where that is known.
        packets: how many frames came.
        width: cells of a line.
    """
    mode = {True: "promiscuous", False: "not promiscuous", None: ""}[promiscuous]
    lines = [heading(f"Source: {safe_text(name)}")]
    meaning = WAY_MEANING.get(way)
    if way.startswith(Way.OPENER):
        meaning = "from a helper that opened the interface as root and then gave up every privilege"
    if way:
        lines += paragraph(
            terms.joined((f"by {safe_text(way)}: {meaning}" if meaning else safe_text(way), mode)), width
        )
    missing = 0 if losses is None else losses.missing + losses.unsaved
    said = f"{counted(packets, 'packet')} came, {grouped(missing)} {'is' if missing == 1 else 'are'} missing"
    lines += paragraph(said, width, Tone.WARN if missing else Tone.DIM)
    for loss in losses or ():
        lines += paragraph(f"! {loss.line}", width, Tone.WARN)
    return [*lines, blank()]
