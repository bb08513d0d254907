"""Several live sources at once, as vantages of one story: one clock while they run, and each datagram once."""
