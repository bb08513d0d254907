"""Peers: listening on a key, connecting to one, and what passes between the two until a stream is up."""
