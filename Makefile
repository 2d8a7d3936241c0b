# make help lists the targets. Another Python or folder: make train PYTHON=python3.13 VENV=.venv313
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: train test test-slow lint types format clean help

train: $(INSTALLED)  ## train on the embedded digits; ARGS="data=photos seed=1" are passed on
	$(BIN)/dcgan-train $(ARGS)

test: $(INSTALLED)  ## run the tests; ARGS="-k upsampling" are passed on
	$(BIN)/python -m pytest $(ARGS)

test-slow: $(INSTALLED)  ## run the tests that take longer, the wheel's among them
	$(BIN)/python -m pytest -m slow $(ARGS)

lint: $(INSTALLED)  ## ruff: style, and whether everything is formatted
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED)  ## mypy, strict
	$(BIN)/mypy

format: $(INSTALLED)  ## ruff: format, and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## remove what can be made again: the virtual environment, caches, builds; outputs/ stays
	rm -rf $(VENV) build dist src/*.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 12

# The stamp file comes last, so an installation that was interrupted is made again.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[dev]'
	touch $@
