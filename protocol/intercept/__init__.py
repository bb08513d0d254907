"""Datagrams stopped and changed on their way: between the sockets and the machine that they are for."""
