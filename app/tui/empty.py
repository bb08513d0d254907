"""What stands where the attempts would: why there are none, and what to do."""

from __future__ import annotations

from app.draw.linked import Linked, blank, heading, paragraph
from app.tui.linked_view import Content, LinkedView

_ADVICE = (
    "Attempts appear when a capture holds PEER_HANDSHAKE or PEER_HOLEPUNCH messages of HyperDHT (UDP).",
    "Capture on the client, on the server or on the NAT between, from before the connection is opened: "
    "tcpdump -i any -w lab.pcap udp",
    "Do not filter by port: nodes use any port, and hole punches go to others again.",
)


class EmptyView(LinkedView):
    """Explains an empty list."""

    DEFAULT_CSS = "EmptyView { height: 1fr; display: none; }"

    def __init__(self) -> None:
        super().__init__("empty", "no attempts")
        self.can_focus = False

    def describe(self, title: str, content: Content) -> None:
        """Show something else while nothing has come, from where the view is."""
        self.title = title
        self.show(content, keep=True)

    def explain(self, nothing: str, filter_text: str, *, live: bool) -> None:
        """Say why.

        Args:
            nothing: why the story has no attempts; empty if it has some.
            filter_text: the filter that hides them.
            live: packets may still come.
        """

        def content(width: int) -> list[Linked]:
            width = min(width, 96)
            if not nothing:
                lines = paragraph(f"No attempt passes the filter: {filter_text}", width)
                hint = "Press / to change it; ^U there empties it, ↑ brings back earlier ones."
                return [blank(), *lines, *paragraph(hint, width)]
            lines = [blank(), *paragraph(nothing, width), blank(), heading("What to do")]
            for advice in ("Waiting for packets.", *_ADVICE) if live else _ADVICE:
                lines += paragraph(advice, width)
            return lines

        self.show(content)
