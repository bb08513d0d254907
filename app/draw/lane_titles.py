"""What stands above the lanes of a ladder: titles and addresses, each in forms from long to short, and where."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.draw import terms
from app.draw.arrows import fitting
from app.terminal_text import cell_width, safe_text
from capture.model import Lane, Role

TextsOf = Callable[[Lane], list[str]]
"""Gives the forms of one line above a lane, from long to short."""


def fitting_titles(forms: Sequence[Sequence[str]], room: int, width: int) -> list[str]:
    """One form for each lane, none wider than `room` cells, all together no wider than `width`."""
    texts = [fitting(one, room) for one in forms]
    while sum(map(cell_width, texts)) + len(texts) > width and room > 3:
        room -= 1
        texts = [fitting(one, room) for one in forms]
    return texts


def title_starts(texts: Sequence[str], lanes: Sequence[int], width: int) -> list[int]:
    """Where titles begin: centred on their lanes, moved apart and inwards where they would touch or be cut.

    Args:
        texts: one for each lane.
        lanes: cells of the lanes.
        width: cells of the line.
    """
    starts: list[int] = []
    end = 0
    for text, x in zip(texts, lanes, strict=True):
        starts.append(max(end, x - cell_width(text) // 2))
        end = starts[-1] + cell_width(text) + 1
    limit = width
    for index in range(len(texts) - 1, -1, -1):
        starts[index] = max(0, min(starts[index], limit - cell_width(texts[index])))
        limit = starts[index] - 1
    return starts


def lane_titles(lane: Lane) -> list[str]:
    """Headings of a lane, from long to short."""
    short = {
        Role.RELAY: ["both relays", "relay"],
        Role.CLIENT_RELAY: ["c. relay"],
        Role.SERVER_RELAY: ["s. relay"],
        Role.BLIND_RELAY: ["blind r."],
        Role.NODE: ["nodes"],
    }
    return [safe_text(lane.title), *short.get(lane.role, [])]


def outside_addresses(lane: Lane) -> list[str]:
    """What others see of a lane."""
    hosts = list(dict.fromkeys(address.host for address in lane.addresses))
    if not hosts:
        return ["not seen"]
    first = safe_text(hosts[0])
    if len(hosts) > 1:
        many_nodes = lane.role in {Role.NODE, Role.RELAY}
        return [f"{len(hosts)} nodes" if many_nodes else f"{first} +{len(hosts) - 1}", first]
    if len(lane.addresses) == 1:
        return [terms.address(lane.addresses[0]), first]
    return [f"{first} ×{len(lane.addresses)}", first]


def inside_addresses(lane: Lane) -> list[str]:
    """The addresses of a lane behind its NAT."""
    hosts = list(dict.fromkeys(address.host for address in lane.inside))
    if not hosts:
        return [""]
    first = safe_text(hosts[0])
    more = f" +{len(hosts) - 1}" if len(hosts) > 1 else ""
    return [f"({first}{more})", f"{first}{more}", first]
