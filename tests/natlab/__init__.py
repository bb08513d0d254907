"""A NAT lab: real NATs of the Linux kernel in network namespaces, and the real hyperdht behind them.

    python -m tests.natlab list                    every scenario with its title
    python -m tests.natlab run NAME... --out DIR   run some (root, iproute2, iptables, tcpdump, node)
    python -m tests.natlab all --out DIR           run all, about eight minutes
    python -m tests.natlab fixtures --out DIR      keep captures and truth of those runs for the other tests
    python -m tests.natlab grid --out DIR          our peers and real ones, who connects to whom, and how quickly

A scenario (`scenarios/NAME.toml`) says who stands behind which NAT, what the network breaks, who connects to whom,
and the verdict that a reader of the packets should reach. A run builds the network (`topology`), listens
everywhere (`captures`), starts the nodes (`nodes/*.cjs`) and leaves in DIR/NAME: one pcap per vantage, `logs/` with
what each node wrote itself, and `truth.json`, which joins those logs into attempts (`truth`, `verdicts`) and
counts by plain means what each capture holds of them (`visible`). All traffic stays in namespaces that the run
makes and removes.

Vantages: `client` and `server` (their LAN, or the host itself if it has no NAT), `nat` and `server-nat` (all devices
of the NAT in front), `nat-wan` and `server-nat-wan` (its outer device), `wan` (all devices of the wide area router,
or raw IP behind its TUN device, after delay and loss, where a scenario asks for those), `relay-N`, `blind-relay`.
Further places of the same role are numbered from 2.
"""
