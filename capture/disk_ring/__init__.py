"""Captures that are written for as long as one likes: rings of files, and what happens when the disk is full."""
