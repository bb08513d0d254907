"""Blind relay: two peers that no hole can be punched between send their UDX packets through a third.

`frames` and `mux` are protomux, the channels that share one secret stream; `client` asks a relay for a partner,
`server` and `session` are the relay's side of that, `link` passes the packets on.
"""
