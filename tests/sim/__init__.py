"""Networks of simulated hosts and NATs, with a clock of their own."""
