# Everything a developer runs. Each target makes its environment first, inside the checkout.
#   make test PYTHON=python3.12      another Python (3.11 or newer)
#   make test TESTS=tests/ops        a part of the tests
#   make test JOBS=8                 more processes

PYTHON ?= python3
VENV   ?= .venv
JOBS   ?= 2
TESTS  ?=

BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
ON_CPU := JAX_PLATFORMS=cpu KERAS_BACKEND=jax

.DEFAULT_GOAL := help
.PHONY: help demo test lint sizes check format bench clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# pip of the given Python fills the environment, so that nothing but Python and pip need be there.
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit( \
	    "Cornu needs Python 3.11 or newer and found %d.%d: make PYTHON=python3.11" % sys.version_info[:2])'
	$(PYTHON) -m venv --without-pip $(VENV)
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --editable '.[dev]'
	@touch $@

demo: $(READY) ## train on real digits, save, load, draw
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

bench: $(READY) ## time Cornu beside its peers
	$(BIN)/python -m benchmarks

clean: ## remove the environment and whatever was made
	rm -rf $(VENV) out build dist .pytest_cache .ruff_cache
	find src tests tools examples benchmarks -name __pycache__ -prune -exec rm -rf {} +
	rm -rf src/*.egg-info
