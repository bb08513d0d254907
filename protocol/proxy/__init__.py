"""Punching on behalf of another peer: the extension that the protocol's authors described, see docs/proxying.md."""
