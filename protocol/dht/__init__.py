"""A node of the DHT as machines without input or output: time, randomness and datagrams are arguments."""
