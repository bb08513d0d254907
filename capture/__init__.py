"""What was seen: capture files and live sources, flows, keys, tokens, NAT evidence and verdicts."""
