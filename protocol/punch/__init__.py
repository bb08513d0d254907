"""What punches holes: sockets of their own, what is known of their NAT, probes, sealed rounds, and announcing."""
