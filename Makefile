# make demo: the main job on real images.  make test: the suite.  Both set up .venv first, the
# suite with the packages for networks as well.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One process per core, but no more than four; the tests of a file stay together, since they share what is costly.
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

.PHONY: demo test test-slow test-kernels test-engines lint types clean

demo: $(VENV)/installed
	$(BIN)/classicvis demo --report demo-report.html

test: $(VENV)/deep
	$(PYTEST) -m "not slow"

test-slow: $(VENV)/deep
	$(PYTEST) -m slow

# The kernels once more: as plain Python, and compiled with bounds checks.
test-kernels: $(VENV)/installed
	NUMBA_DISABLE_JIT=1 $(PYTEST) tests/kernels
	NUMBA_BOUNDSCHECK=1 $(PYTEST) tests/kernels

# The networks once more, on the other engines of Keras; test-slow has the long ones.
test-engines: $(VENV)/engines
	KERAS_BACKEND=jax $(PYTEST) -m "not slow" tests/deep
	KERAS_BACKEND=torch $(PYTEST) -m "not slow" tests/deep

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/deep
	$(BIN)/mypy

$(VENV)/installed: setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "classicvis needs Python >= 3.11; name one: make PYTHON=python3.12 demo"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

$(VENV)/deep: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable '.[deep,export]'
	@touch $@

# A version of PyTorch is named because the newest may bring gigabytes for GPUs along.
$(VENV)/engines: $(VENV)/deep
	$(BIN)/python -m pip install --quiet jax torch==2.13.0
	@touch $@

clean:
	rm -rf $(VENV) demo-report.html build *.egg-info
