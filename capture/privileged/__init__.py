"""Capturing without running anything of ours as root but what opens a socket.

`opener.py` is started as root, by sudo or the like, as a file of its own: it opens a packet socket, gives up every
privilege for good, and then writes what passes as pcapng to its standard output. It loads nothing but the standard
library. `command.py` is the other side.
"""
