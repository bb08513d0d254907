"""The rules of the game: codec, constants, noise and crypto of HyperDHT, without any I/O."""
