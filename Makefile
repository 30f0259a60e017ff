# The doors of the project. Each creates the environment in .venv first, from pyproject.toml alone.
PYTHON ?= python3
READY := .venv/.ready
RUN := .venv/bin/python

.PHONY: tutorial lab test clean

tutorial: $(READY) ## execute every notebook against a local DPS, in a clean workspace of its own
	@$(RUN) -m helpers run

lab: $(READY) ## open JupyterLab where the walkthrough begins
	.venv/bin/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) notebooks/00_start_here.ipynb

test: $(READY) ## run the whole test suite on all cores
	$(RUN) -m pytest -n auto

clean: ## remove the environment; workspaces stay
	rm -rf .venv

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; try make PYTHON=python3.12")'
	@echo "Creating the environment in .venv: about a minute, once."
	$(PYTHON) -m venv .venv
	$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@
