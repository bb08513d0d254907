"""How live packets come here, in few words: for the status line and the first line of a headless run."""

from __future__ import annotations


def way_of(feed: object) -> str:
    """The way that a feed's packets take, and whether interfaces are promiscuous; empty where it does not tell."""
    way: str = getattr(feed, "way", "")
    return f"{way}, promiscuous" if way and getattr(feed, "promiscuous", None) else way
