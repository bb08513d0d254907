"""Screens on which a person puts a hand in: messages held on their way, steps taken one by one."""
