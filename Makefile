# What to do with this tree. Needs Python 3.11 or newer with venv, make, and for the tests node and npm (or none of
# these two: then a PyPI wheel brings them).

PYTHON ?= python3
VENV ?= .venv
FILE ?=
PYTEST_ARGS ?=
# Scenarios side by side: they wait most of the time.
LAB_JOBS ?= 4

BIN := $(VENV)/bin
NODE_PACKAGES := tests/node/node_modules/.package-lock.json
# Node of the machine, or the one that the development install brings.
WITH_NODE = PATH="$$($(BIN)/python tests/node_path.py)$$PATH"

# Connects of every cell of the grid, and of those that wait for luck at a random NAT; so many of these at once.
GRID_ROUNDS ?= 9
GRID_RANDOM_ROUNDS ?= 12
GRID_JOBS ?= 3

.PHONY: help run test lint types imports tests timed lab grid lab-fixtures bench bench-peers soak fuzz screenshots pages man wheel node-packages clean

help:
	@echo "make run            install, then open the inspector on the demo, live (FILE=... for a capture)"
	@echo "make test           install, then style, types, layers and all tests"
	@echo "make timed          our DHT nodes among real ones, on a quiet machine"
	@echo "make lab            every scenario of the NAT lab, live, and what Peephole makes of it (root, iptables, tcpdump);"
	@echo "                    also the rest of the tests that make test takes a part of"
	@echo "make grid           our peers and real ones in the NAT lab, and how long they take to connect, on a quiet machine"
	@echo "make bench          speed against tshark, tcpdump and scapy"
	@echo "make bench-peers    200 connects at once and one stream, our peers next to the reference's"
	@echo "make soak           a day of traffic, 100 million packets, through a bounded session: memory and totals"
	@echo "make fuzz           a longer run of the fuzz targets"
	@echo "make screenshots    make the pictures in screenshots/ again (rsvg-convert, DejaVu fonts)"
	@echo "make pages          make docs/commands.md, docs/keys.md and docs/peephole.1 again, after options or keys changed"
	@echo "make man            read the manual page"
	@echo "make wheel          build the wheel, install it in an empty environment, try it"
	@echo "make clean          remove what these made"

run: $(VENV)/.installed
	$(BIN)/peephole $(or $(FILE),demo)

test: lint types imports tests

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

imports: $(VENV)/.installed-dev
	$(BIN)/lint-imports

# Files spread over the cores, each whole on one, and one more at a time than there are cores, as some wait for real
# timers. In order: the long ones, of few tests each, would be left for the end. What changes the network is part of
# `make lab`, and so is the rest of what takes long.
TEST_JOBS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
tests: $(VENV)/.installed-dev node-packages
	$(WITH_NODE) $(BIN)/python -m pytest -rs -n $(TEST_JOBS) --dist loadfile --no-loadscope-reorder -m "not lab and not thorough and not timed" $(PYTEST_ARGS)

# Real peers give up on whom they wait for too long, so these are for a quiet machine and no part of `make test`.
timed: $(VENV)/.installed-dev node-packages
	$(WITH_NODE) $(BIN)/python -m pytest -rs -m timed $(PYTEST_ARGS)

lab: $(VENV)/.installed-dev node-packages
	$(WITH_NODE) $(BIN)/python -m pytest -rs -n $(LAB_JOBS) --dist load -m lab $(PYTEST_ARGS)
	$(WITH_NODE) $(BIN)/python -m pytest -rs -n $(TEST_JOBS) --dist loadfile -m thorough $(PYTEST_ARGS)
	$(WITH_NODE) $(BIN)/python -m tests.natlab all --out lab-out --jobs $(LAB_JOBS)
	$(BIN)/python -m tests.truth lab-out

grid: $(VENV)/.installed-dev node-packages
	$(WITH_NODE) $(BIN)/python -m tests.natlab grid --out lab-out/grid --rounds $(GRID_ROUNDS) \
		--random-rounds $(GRID_RANDOM_ROUNDS) --jobs $(GRID_JOBS)

bench: $(VENV)/.installed-dev
	$(BIN)/python -m bench

bench-peers: $(VENV)/.installed-dev node-packages
	$(WITH_NODE) $(BIN)/python -m bench.peers

# An hour, mostly; SOAK_ARGS="--packets 5e6" for less.
SOAK_ARGS ?=
soak: $(VENV)/.installed-dev
	$(BIN)/python -m bench.soak $(SOAK_ARGS)

fuzz: $(VENV)/.installed-fuzz
	for target in tests/fuzz/fuzz_*.py; do $(BIN)/python -m tests.fuzz.$$(basename $$target .py) -max_total_time=60 || exit 1; done

screenshots: $(VENV)/.installed-dev
	$(BIN)/python -m tests.app.make_screenshots

pages: $(VENV)/.installed
	$(BIN)/peephole man --format markdown >docs/commands.md
	$(BIN)/peephole man --format roff >docs/peephole.1
	$(BIN)/peephole man --format keys >docs/keys.md

man: $(VENV)/.installed
	$(BIN)/peephole man --format roff | man -l - || $(BIN)/peephole man --format text

wheel: $(VENV)/.installed-dev
	rm -rf dist build/wheel-trial
	$(BIN)/python -m build --wheel >build-wheel.log || { cat build-wheel.log; exit 1; }
	rm build-wheel.log
	$(PYTHON) -m venv build/wheel-trial
	build/wheel-trial/bin/pip install --quiet dist/*.whl
	cd build/wheel-trial && bin/peephole --version && bin/peephole keylog-hook
	cd build/wheel-trial && bin/peephole report "$$(bin/python -c 'import app; print(app.__path__[0])')/samples/tour.pcapng"

node-packages: $(NODE_PACKAGES)

$(NODE_PACKAGES): tests/node/package-lock.json $(VENV)/.installed-dev
	cd tests/node && PATH="$$($(abspath $(BIN))/python ../node_path.py)$$PATH" npm ci --no-audit --no-fund --no-update-notifier --loglevel=error
	touch $@

$(VENV)/.created:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "peephole needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.created
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.installed-dev: pyproject.toml $(VENV)/.created
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ $(VENV)/.installed

$(VENV)/.installed-fuzz: $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,fuzz]'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info tests/node/node_modules lab-out
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
