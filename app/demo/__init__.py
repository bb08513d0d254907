"""A small internet inside one process: real sockets on loopback addresses, NATs in user space, peers that meet."""
