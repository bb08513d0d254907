"""What stands above the lanes of a ladder: titles and addresses, each in forms from long to short, and where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final

from app.draw import terms
from app.draw.arrows import fitting
from app.terminal_text import cell_width, safe_text
from capture.model import Flow, Lane, Role

HERE: Final = "⌂"
"""Before the title of the host on which the packets were captured."""
_INITIAL_TTLS: Final = frozenset({64, 128, 255})
"""What systems send with; a packet that has it has not passed a router."""
_SHORT: Final = {
    Role.RELAY: ["both relays", "relay"],
    Role.CLIENT_RELAY: ["c. relay"],
    Role.SERVER_RELAY: ["s. relay"],
    Role.BLIND_RELAY: ["blind r."],
    Role.NODE: ["nodes"],
}


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


def lane_titles(lanes: Sequence[Lane], here: Collection[str] = ()) -> list[list[str]]:
    """Headings of lanes, each from long to short; lanes of one role are numbered.

    Args:
        lanes: from left to right.
        here: ids of those that are the host on which the packets were captured.
    """
    several = {role for role, count in Counter(lane.role for lane in lanes).items() if count > 1}
    numbers: Counter[Role] = Counter()
    found = []
    for lane in lanes:
        forms = ["relays & nodes", "relays"] if lane.id == "between" else [safe_text(lane.title), *_short(lane)]
        if lane.role is Role.NODE and len(lane.addresses) == 1:
            forms = ["DHT node", "node"]
        if lane.role in several:
            numbers[lane.role] += 1
            forms = [f"{form} {numbers[lane.role]}" for form in forms]
        found.append([f"{HERE} {form}" for form in forms] if lane.id in here else forms)
    return found


def _short(lane: Lane) -> list[str]:
    return _SHORT.get(lane.role, [])


def lanes_here(flow: Flow) -> frozenset[str]:
    """Lanes of hosts on which packets were captured, as far as that is known.

    A host's own packets are captured before any router has lowered their TTL. Where a file shows more than one
    participant's packets so, it was captured on a link that they share, and nobody's host is known.
    """
    fresh: dict[int, set[str]] = {}
    routed: dict[int, set[str]] = {}
    for step in flow.steps:
        if step.sighting is None or step.ttl is None or step.ttl <= 5:
            continue
        of_file = fresh if step.ttl in _INITIAL_TTLS else routed
        of_file.setdefault(step.sighting.file, set()).add(step.from_lane)
    found = set()
    for file, lanes in fresh.items():
        if len(lanes) == 1:
            found |= lanes - routed.get(file, set())
    return frozenset(found)


def outside_addresses(lane: Lane) -> list[str]:
    """What others see of a lane."""
    hosts = list(dict.fromkeys(address.host for address in lane.addresses))
    if not hosts:
        return ["not seen"]
    first = terms.host(lane.addresses[0])
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
    first = terms.host(lane.inside[0])
    more = f" +{len(hosts) - 1}" if len(hosts) > 1 else ""
    return [f"({first}{more})", f"{first}{more}", first]
