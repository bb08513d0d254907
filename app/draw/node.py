"""The running node as lines: one for the top of the screen, and pages of what it knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from app.draw import terms
from app.draw.linked import Linked, blank, heading, labelled, paragraph
from app.draw.spans import Line, Span, Tone, cell, width_of
from app.node_status import ConnectionStatus, NodeStatus, Timer
from app.terminal_text import cell_width, clip, safe_text
from app.wording import counted, grouped
from protocol.dht.health import Health

_HEALTH_TONE: Final = {Health.ONLINE: Tone.GOOD, Health.DEGRADED: Tone.WARN, Health.OFFLINE: Tone.BAD}
_RULE: Final = (
    "Each answer says from which address it came. Of up to 16 such samples, all but a quarter (at most three) have to "
    "agree on host and port, or on the host alone, which means that the port differs from node to node."
)

_PROOF: Final = (
    "Anybody can write another's address into a datagram. Who is to get more than it sent is pinged first; who does "
    "not answer that gets a shortened answer, or none."
)


def node_line(status: NodeStatus, width: int) -> Line:
    """The state of the node on one line, most important first."""
    parts = [(_persistence(status), Tone.STRONG), (f"seen as {seen_as(status)}", Tone.PLAIN)]
    if status.bootstrapped or status.rows:
        parts.append((terms.firewall(status.firewall), terms.firewall_tone(status.firewall)))
    parts.append(_reach(status))
    if not status.bootstrapped:
        parts.insert(0, ("bootstrapping", Tone.WARN))
    elif status.connections:
        parts.insert(0, _latest(status.connections[0]))
    parts += [
        _health(status),
        (counted(len(status.rows), "node"), Tone.PLAIN if status.rows else Tone.WARN),
        *((announced.state, Tone.GOOD if announced.relays else Tone.WARN) for announced in status.announcements),
        (f"port {status.server.port}", Tone.DIM),
        (f"{grouped(sum(count for _, count in status.refused))} refused", Tone.DIM),
    ]
    spans = [Span(" node ", Tone.KEY)]
    room = width - 6
    for index, (text, tone) in enumerate(parts):
        between = " · " if index else " "
        if cell_width(between + text) > room:
            break
        spans += [Span(between, Tone.RULE), Span(text, tone)]
        room -= cell_width(between + text)
    return tuple(spans)


def seen_as(status: NodeStatus) -> str:
    """The address that others see, as far as they agree."""
    if status.seen_at is None:
        return "?"
    host, port = status.seen_at
    return safe_text(f"{host}:{port or '*'}")


def timer_line(timer: Timer, width: int) -> Line:
    """A countdown and what it leads to."""
    due = f"in {timer.due:.1f} s" if timer.due >= 0 else "waits"
    text = timer.what if timer.remote is None else f"{timer.what}, {terms.address(timer.remote)}"
    return (cell(due, 11, Tone.WARN, right=True), Span("  "), Span(clip(safe_text(text), max(8, width - 13))))


def overview_page(status: NodeStatus, width: int) -> list[Linked]:
    """Who the node is, how it is reached, and by which evidence."""
    lines = [heading("This node")]
    for announced in status.announcements:
        tone = Tone.GOOD if announced.relays else Tone.WARN
        lines += labelled("listens on", announced.public_key.hex(), width, Tone.STRONG)
        lines += labelled("", f"{announced.state}; others connect with: peephole connect KEY", width, tone)
    id_ = "none while it is ephemeral" if status.id is None else status.id.hex()
    lines += labelled("id", id_, width)
    lines += labelled("local", f"server socket {status.server}, client socket {status.client}", width)
    lines += labelled("reached at", ", ".join(map(str, status.local)) or "nowhere in networks of this machine", width)
    lines += labelled("running", f"{terms.seconds(status.age)}, {_persistence(status)}", width)
    health, tone = _health(status)
    lines += labelled("network", f"{health}: {_health_meaning(status)}", width, tone)
    lines += labelled("bootstrap", ", ".join(status.bootstrap) or "none", width)
    if status.trouble:
        lines += labelled("trouble", status.trouble, width, Tone.BAD)
    lines += [blank(), heading("How others see it")]
    lines += labelled("seen as", f"{seen_as(status)} ({counted(status.samples, 'sample')})", width, Tone.STRONG)
    reach, tone = _reach(status)
    lines += labelled("port", f"{reach}: {_reach_meaning(status)}", width, tone)
    lines += labelled(
        "NAT class", terms.firewall(status.firewall), width, terms.firewall_tone(status.firewall)
    ) + labelled("by the rule", status.firewall_rule, width)
    samples = [row for row in status.rows if row.sees_us is not None]
    if samples:
        lines += [blank(), Linked((cell("asked node", 22, Tone.DIM), cell("sees this node as", 22, Tone.DIM)))]
        for row in samples:
            lines.append(Linked((cell(terms.address(row.address), 22), cell(terms.address(row.sees_us), 22))))
    return [*lines, blank(), *paragraph(_RULE, width, Tone.DIM)]


def table_page(status: NodeStatus, width: int) -> list[Linked]:
    """The routing table, by rows."""
    lines = [heading(f"Routing table: {counted(len(status.rows), 'node')}")]
    if not status.rows:
        return [*lines, *paragraph(status.trouble or "Nobody has answered with an id yet.", width, Tone.WARN)]
    id_width = 18 if width < 125 else 66
    columns = (("row", 5), ("id", id_width), ("address", 22), ("in table", 10), ("last heard", 11))
    lines.append(Linked(tuple(cell(title, size, Tone.DIM) for title, size in columns)))
    for row in status.rows:
        id_ = row.id.hex() if id_width > 64 else terms.key(row.id, 8)
        hints = counted(row.down_hints, "down hint") if row.down_hints else ""
        lines.append(
            Linked(
                (
                    cell(str(row.row), 5, Tone.DIM),
                    cell(id_, id_width),
                    cell(terms.address(row.address), 22, Tone.STRONG),
                    cell(_ago(row.added), 10, Tone.DIM),
                    cell(_ago(row.heard), 11, Tone.DIM),
                    Span(hints, Tone.WARN),
                )
            )
        )
    return [
        *lines,
        blank(),
        *paragraph(
            "The row of a node is the first bit in which its id differs from ours; 20 to a row.", width, Tone.DIM
        ),
    ]


def relays_page(status: NodeStatus, width: int) -> list[Linked]:
    """What is announced, and who holds it."""
    lines = [heading("Announcements")]
    if not status.announcements:
        lines += paragraph(
            "Nothing is announced: clients find no server here. `node --announce` and `listen` do it.", width
        )
    for announced in status.announcements:
        lines += labelled("public key", announced.public_key.hex(), width, Tone.STRONG)
        lines += labelled("state", announced.state, width, Tone.GOOD if announced.relays else Tone.WARN)
        if announced.due is not None:
            lines += labelled("again in", terms.seconds(max(0.0, announced.due)), width)
        lines += labelled("handshakes", f"{counted(announced.clients, 'client')} not over yet", width)
        for relay in announced.relays:
            address = cell(terms.address(relay.address), 22, Tone.RELAY)
            sees = Span(f"sees us at {terms.address(relay.sees_us)}", Tone.DIM)
            lines.append(Linked((cell("relay", 12, Tone.DIM), address, sees)))
        lines.append(blank())
    return lines


def connections_page(status: NodeStatus, width: int) -> list[Linked]:
    """Connections of this node: how far they are, and why they are over."""
    lines = [heading("Connections")]
    if not status.connections:
        lines += paragraph("None yet.", width, Tone.DIM)
    for one in status.connections:
        side = "client of" if one.initiator else "server for"
        state, tone = (one.stage, Tone.GOOD if one.opened else Tone.WARN)
        if one.closing:
            state, tone = one.closing, Tone.BAD if one.failed else Tone.DIM
        attempt = one.attempt.hex()[:8] or "-"
        lines.append(
            Linked(
                (
                    cell(attempt, 10, Tone.STRONG),
                    cell(
                        f"{side} {terms.key(one.remote_public_key)}", 21, Tone.CLIENT if one.initiator else Tone.SERVER
                    ),
                    cell(terms.address(one.remote) if one.remote is not None else "no path", 22),
                    cell(_ago(one.age), 11, Tone.DIM),
                )
            )
        )
        lines += paragraph(state, width, tone, indent=" " * 10)
        if one.said:
            lines += paragraph(f"said: {one.said}", width, Tone.PLAIN, indent=" " * 10)
    return lines


def counters_page(status: NodeStatus, width: int) -> list[Linked]:
    """What was done and what was refused."""
    lines = [heading("Done")]
    for name, count in status.counts:
        lines += _count_lines(name, count, width, Tone.PLAIN)
    lines += [blank(), heading("Refused: datagrams that were not served, and why")]
    if not status.refused:
        lines += paragraph("None.", width, Tone.DIM)
    for reason, count in status.refused:
        lines += _count_lines(reason, count, width, Tone.WARN)
    return [*lines, blank(), *paragraph(_PROOF, width, Tone.DIM)]


def timers_page(status: NodeStatus, width: int) -> list[Linked]:
    """What happens next by itself."""
    lines = [heading("Timers")]
    if status.next_timeout is not None:
        lines += labelled("machine", f"wakes in {max(0.0, status.next_timeout):.2f} s", width)
    lines.append(blank())
    if not status.timers:
        lines += paragraph("No request is waiting for an answer.", width, Tone.DIM)
    return lines + [Linked(timer_line(timer, width)) for timer in status.timers]


def events_page(status: NodeStatus, width: int) -> list[Linked]:
    """What happened, the newest first."""
    lines = [heading("Events")]
    if not status.events:
        lines += paragraph("None yet.", width, Tone.DIM)
    for age, said in status.events:
        first, *more = paragraph(safe_text(said), max(10, width - 16))
        lines.append(Linked((cell(f"{_ago(age)} ago", 14, Tone.DIM, right=True), Span("  "), *first.line)))
        lines += [Linked((Span(" " * 16), *line.line)) for line in more]
    return lines


Page = Callable[[NodeStatus, int], list[Linked]]
PAGES: Final[tuple[tuple[str, Page], ...]] = (
    ("node", overview_page),
    ("table", table_page),
    ("relays", relays_page),
    ("connections", connections_page),
    ("refusals", counters_page),
    ("timers", timers_page),
    ("events", events_page),
)
"""Title and drawing of each page, in the order of their keys."""


def tabs_line(chosen: int, width: int) -> Line:
    """The titles of the pages with their keys, as many as fit."""
    spans = [Span(" ")]
    for index, (title, _) in enumerate(PAGES):
        label = f" {title}  "
        if width_of((*spans, Span(str(index + 1)), Span(label))) > width:
            break
        spans += [Span(str(index + 1), Tone.KEY), Span(label, Tone.STRONG if index == chosen else Tone.DIM)]
    return tuple(spans)


def _latest(connection: ConnectionStatus) -> tuple[str, Tone]:
    """The newest connection in a few words."""
    arrow = "→" if connection.initiator else "←"
    what = f"{arrow} {terms.key(connection.remote_public_key)}"
    if connection.closing:
        return f"{what} {'failed' if connection.failed else 'over'}", Tone.BAD if connection.failed else Tone.DIM
    return f"{what} {connection.stage.partition(':')[0]}", Tone.GOOD if connection.opened else Tone.WARN


def _persistence(status: NodeStatus) -> str:
    return "ephemeral" if status.ephemeral else f"persistent {terms.key(status.id)}"


def _reach(status: NodeStatus) -> tuple[str, Tone]:
    return ("firewalled", Tone.WARN) if status.firewalled else ("port open", Tone.GOOD)


def _reach_meaning(status: NodeStatus) -> str:
    if status.firewalled:
        return "no answer has come to the server socket, to which nothing was sent from here"
    return "others reach the server socket"


def _health(status: NodeStatus) -> tuple[str, Tone]:
    """The network's state; the machine calls it online until it knows better."""
    if not status.samples:
        return ("no answer yet", Tone.WARN) if not status.bootstrapped else ("no answer", Tone.BAD)
    return str(status.health), _HEALTH_TONE[status.health]


def _health_meaning(status: NodeStatus) -> str:
    if not status.samples:
        return "no node has answered since the start"
    return {
        Health.ONLINE: "nodes answer",
        Health.DEGRADED: "more requests time out than are answered",
        Health.OFFLINE: "no node answers any more",
    }[status.health]


def _ago(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, left = divmod(round(seconds), 60)
    return f"{minutes} min {left:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def _count_lines(name: str, count: int, width: int, tone: Tone) -> list[Linked]:
    """A count, and what was counted beside it, wrapped under itself."""
    first, *more = paragraph(name, max(10, width - 12), tone)
    number = cell(grouped(count), 10, Tone.STRONG if count else Tone.DIM, right=True)
    return [
        Linked((number, Span("  "), *first.line)),
        *(Linked((Span(" " * 12), *line.line)) for line in more),
    ]
