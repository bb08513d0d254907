"""Captures that somebody still writes: pipes, files that grow and rotate, the output of another program."""
