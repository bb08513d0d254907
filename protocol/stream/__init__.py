"""Streams on a punched path: UDX, and the Noise secret stream on top of it.

Both are machines without input or output. Their owner hands in datagrams, time and randomness, and takes out datagrams
and events; `docs/streams.md` shows the loop.
"""
