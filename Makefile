# The doors of the project. Each creates the environments it needs first, from the project's own files alone.
PYTHON ?= python3
READY := .venv/.ready
RUN := .venv/bin/python
# Clients that can't live in the same environment as the newest ones; the tests drive the local DPS with them.
OLD_CLIENT := .venv-management-1.1/.ready
NODE_CLIENTS := tests/clients/node/node_modules/.ready tests/clients/node_device/node_modules/.ready
AZURE_CLI := .venv-azure-cli/.ready

.PHONY: tutorial lab test azure-cli bench clean

tutorial: $(READY) ## execute every notebook against a local DPS, in a clean workspace of its own
	@$(RUN) -m helpers run

lab: $(READY) ## open JupyterLab where the walkthrough begins
	.venv/bin/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) notebooks/00_start_here.ipynb

test: $(READY) $(OLD_CLIENT) $(NODE_CLIENTS) ## run the whole test suite on all cores
	$(RUN) -m pytest -n auto --ignore=tests/azure_cli

azure-cli: $(READY) $(AZURE_CLI) ## drive a local DPS with the Azure CLI: 750 MB in an environment of its own
	$(RUN) -m pytest tests/azure_cli

bench: $(READY) ## how fast the local DPS is, as ratios
	@$(RUN) -m tests.bench

clean: ## remove the environments; workspaces stay
	rm -rf .venv .venv-* $(dir $(NODE_CLIENTS))

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; try make PYTHON=python3.12")'
	@echo "Creating the environment in .venv: about a minute, once."
	$(PYTHON) -m venv .venv
	$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

$(OLD_CLIENT): tests/clients/management_1_1/requirements.txt
$(AZURE_CLI): tests/azure_cli/requirements.txt
$(OLD_CLIENT) $(AZURE_CLI):
	@echo "Creating the environment in $(@D): up to a minute, once."
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

$(NODE_CLIENTS): %/node_modules/.ready: %/package.json
	npm install --silent --prefix $*
	touch $@
