# Two commands matter: `make demo` and `make test`. Everything is installed from uv.lock into .venv.
PYTHON ?= python3
UV_VERSION := 0.13.8
UV := $(shell command -v uv 2>/dev/null || echo .venv/bin/uv)
BIN := .venv/bin
SYNC := $(UV) sync --quiet --frozen --inexact --extra embedded
PYTEST_ARGS ?=
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv

.PHONY: demo test check format render clean

demo: .venv/.ready
	@$(BIN)/truthtok demo $(FILE)

test: .venv/.ready-dev
	$(BIN)/pytest -n 2 --dist loadfile $(PYTEST_ARGS)

check: .venv/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/truthtok render --check

format: .venv/.ready-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

render: .venv/.ready-dev
	$(BIN)/truthtok render

clean:
	rm -rf .venv .truthtok .mypy_cache .ruff_cache .hypothesis

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "TruthTok needs Python 3.11 or newer, and $(PYTHON) is older: try make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv .venv || \
	  { echo "$(PYTHON) cannot make a virtual environment: install its venv package (Debian: python3-venv) or uv"; exit 1; }

.venv/bin/uv: | .venv/bin/python
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.ready: pyproject.toml uv.lock | .venv/bin/python $(UV)
	@echo "installing from the lock into .venv"
	@$(SYNC) --no-dev
	@touch $@

.venv/.ready-dev: pyproject.toml uv.lock | .venv/bin/python $(UV)
	@echo "installing from the lock into .venv, with the tools for development"
	@$(SYNC)
	@touch $@ .venv/.ready
