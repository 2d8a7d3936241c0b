# make help lists the targets. Another Python or folder: make train PYTHON=python3.13 VENV=.venv313
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

# uv where it is there (seconds instead of minutes), pip elsewhere.
ifneq ($(shell command -v uv 2>/dev/null),)
CREATE := uv venv --quiet --seed --allow-existing --python $(PYTHON) $(VENV)
INSTALL := uv pip install --python $(BIN)/python
else
CREATE := $(PYTHON) -m venv $(VENV)
INSTALL := $(BIN)/python -m pip install
endif
# What the installer prints is shown only if it fails.
define install
	@echo "Installing into $(VENV)$(2)"
	@$(CREATE)
	@$(INSTALL) --constraint constraints.txt --editable '$(1)' >$(VENV)/install.log 2>&1 \
		|| { cat $(VENV)/install.log >&2; exit 1; }
	@touch $@
endef

.DEFAULT_GOAL := help
.PHONY: train test test-slow gpu-check lint types format tutorial clean help

train: $(INSTALLED)  ## train on scikit-learn's digits; ARGS="data=photos seed=1" are passed on
	$(BIN)/dcgan-train $(ARGS)

test: $(INSTALLED_DEV)  ## run the tests; ARGS="-k upsampling" are passed on
	$(BIN)/python -m pytest $(ARGS)

test-slow: $(INSTALLED_DEV)  ## run the tests that take longer, the wheel's among them
	$(BIN)/python -m pytest -m slow $(ARGS)

gpu-check: $(INSTALLED_DEV)  ## on a GPU: its tests, FID and speed, 8 minutes; ARGS="data.root=PATH": MNIST
	$(BIN)/python scripts/gpu_check.py $(ARGS)

lint: $(INSTALLED_DEV)  ## ruff: style, and whether everything is formatted
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED_DEV)  ## mypy, strict
	$(BIN)/mypy

format: $(INSTALLED_DEV)  ## ruff: format, and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

tutorial: $(INSTALLED_DEV)  ## run docs/tutorial.ipynb and store its outputs: below 3 minutes
	$(BIN)/python -m tests.notebooks

clean:  ## remove the virtual environment, caches and builds; outputs/ stays
	rm -rf $(VENV) build dist src/*.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 12

# A stamp is written last, so an interrupted installation is repeated.
$(INSTALLED): pyproject.toml constraints.txt
	$(call install,., (first time: about 3 minutes) …)

$(INSTALLED_DEV): $(INSTALLED)
	$(call install,.[dev], what the tests need …)
