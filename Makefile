# make run: raw records to a bundle, on the embedded cohort. make test: every test. Both install what they need into .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Python compiles what it imports, and keeps it; all that is installed would take as long again as the installation.
# Where the environment forbids to keep it, every process would compile torch anew.
unexport PYTHONDONTWRITEBYTECODE
# CI gives CONSTRAINTS="-c requirements.lock": the very versions that were tested
CONSTRAINTS ?=
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile $(CONSTRAINTS)

.PHONY: run test check docs software lock clean

run: $(VENV)/installed
	@$(BIN)/recondense run pbcseq

# Three at a time even on two cores: tests of servers and schedules mostly wait
test: $(VENV)/installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadscope --no-loadscope-reorder

# What CI asks of the code besides its tests
check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# The documentation site, into site/
docs: $(VENV)/installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# After an edit of code that a stage runs
software: $(VENV)/installed
	@$(BIN)/python -c 'from pathlib import Path; from recondense.stages import software; software.write(Path())'

# What pip would install today for '.[dev]' into an empty environment
lock: | $(BIN)/pip
	@$(BIN)/python .ci/lock.py

$(VENV)/installed: pyproject.toml | $(BIN)/pip
	@echo "installing into $(VENV) (a few minutes, once)"
	@$(INSTALL) -e '.[pipeline]'
	@touch $@

$(VENV)/installed-dev: pyproject.toml | $(BIN)/pip
	@echo "installing into $(VENV), with what tests need (a few minutes, once)"
	@$(INSTALL) -e '.[dev]'
	@touch $(VENV)/installed $@

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "recondense needs Python 3.11 or later: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV)
