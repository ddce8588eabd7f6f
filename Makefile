# Everything a developer runs. Each target makes its environment first, inside the checkout.
#   make test PYTHON=python3.12      another Python (3.11 or newer)
#   make test TESTS=tests/ops        a part of the tests
#   make test JOBS=8                 more processes

PYTHON ?= python3
VENV   ?= .venv
JOBS   ?= 2
TESTS  ?=
KILLS  ?= 200
FILES  ?= 10000
PEERS  := $(basename $(notdir $(wildcard benchmarks/peers/*.txt)))

BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
ON_CPU := JAX_PLATFORMS=cpu KERAS_BACKEND=jax

.DEFAULT_GOAL := help
.PHONY: help demo test lint sizes check format torture bench bench-peers fuzz kernels clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# pip of the given Python fills the environment, so that nothing but Python and pip need be there.
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit( \
	    "Cornu needs Python 3.11 or newer and found %d.%d: make PYTHON=python3.11" % sys.version_info[:2])'
	$(PYTHON) -m venv --without-pip $(VENV)
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --editable '.[dev]'
	@touch $@

# Compiled layers for the CPU; whatever keeps them from being built, Cornu works without, slower.
KERNELS := $(VENV)/.kernels
$(KERNELS): $(READY) $(wildcard kernels/*.* kernels/src/* kernels/cornu_kernels/*.py)
	@command -v g++ >/dev/null || { echo "no g++: going on without the compiled kernels"; exit 0; }; \
	$(PYTHON) -m pip --python $(BIN)/python install --quiet ./kernels && touch $@ \
	    || echo "the compiled kernels could not be built: going on without"

kernels: $(KERNELS) ## compile the layers that have loops of their own for the CPU, where there is a g++

demo: $(READY) $(KERNELS) ## train on real digits, save, load, draw
	$(BIN)/python examples/digits.py

test: $(READY) ## all tests
	$(ON_CPU) $(BIN)/python -m pytest -n $(JOBS) $(TESTS)

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

sizes: $(READY)
	$(BIN)/python tools/sizes.py

check: lint sizes test ## what CI runs: format, lint, sizes, tests

format: $(READY) ## write the code as the formatter wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

torture: $(READY) ## kill trainings at random moments, 200 times: none is lost, none comes out different
	$(ON_CPU) $(BIN)/python tools/torture.py --kills $(KILLS) --jobs $(JOBS)

bench: $(READY) ## time Cornu beside its peers, as many as are installed
	$(BIN)/python -m benchmarks

bench-peers: $(PEERS:%=.venv-peers/%/.ready) ## install the peers, each with its own packages (3 GB)

.venv-peers/%/.ready: benchmarks/peers/%.txt
	$(PYTHON) -m venv --without-pip $(@D)
	$(PYTHON) -m pip --python $(@D)/bin/python install --quiet -r $<
	@touch $@

fuzz: $(READY) ## read FILES (10000) damaged and hostile files
	JAX_PLATFORMS=cpu $(BIN)/python tools/fuzz.py --files $(FILES) --jobs $(JOBS)

clean: ## remove the environment and whatever was made
	rm -rf $(VENV) .venv-peers out build dist .pytest_cache .ruff_cache
	find src tests tools examples benchmarks -name __pycache__ -prune -exec rm -rf {} +
	rm -rf src/*.egg-info
