# The doors of the project. Each creates the environments it needs first, from the project's own files alone.
PYTHON ?= python3
READY := .venv/.ready
RUN := .venv/bin/python
# Clients that can't live in the same environment as the newest ones; the tests drive the local DPS with them.
OLD_CLIENT := .venv-management-1.1/.ready
NODE_CLIENTS := tests/clients/node/node_modules/.ready tests/clients/node_device/node_modules/.ready
AXE := tests/browser/node_modules/.ready
AZURE_CLI := .venv-azure-cli/.ready
# Other Pythons than $(PYTHON): those that pyenv has, or make pythons PYTHONS="python3.12 python3.13".
PYTHONS ?= $(wildcard $(foreach minor,12 13 14,$(shell pyenv root 2>/dev/null)/versions/3.$(minor).*/bin/python3))

DEVICE_TESTS := tests/clients/test_python_device.py tests/dps/test_devices.py tests/local_dps/test_devices.py

.PHONY: tutorial lab test browser azure-cli pythons bench clean

tutorial: $(READY) ## execute every notebook against a local DPS, in a clean workspace of its own
	@$(RUN) -m helpers run

lab: $(READY) ## open JupyterLab where the walkthrough begins
	.venv/bin/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) --ServerApp.root_dir=. notebooks/00_start_here.ipynb

test: $(READY) $(OLD_CLIENT) $(NODE_CLIENTS) ## run the whole test suite: four at a time, for many wait for clocks
	$(RUN) -m pytest -n 4 --maxschedchunk 1 --ignore=tests/azure_cli --ignore=tests/browser

browser: $(READY) $(AXE) ## work the notebooks in JupyterLab as a person does, in Chromium; screenshots go to build/browser
	$(RUN) -m pytest -n 2 --maxschedchunk 1 tests/browser

azure-cli: $(READY) $(AZURE_CLI) ## drive a local DPS with the Azure CLI: 750 MB in an environment of its own
	$(RUN) -m pytest tests/azure_cli

# The device plane is a duck in asyncio's eyes, and Azure's device SDK is older than these Pythons: each is tried.
pythons: ## devices and the device plane on every other Python
	@test -n "$(PYTHONS)" || { echo 'No other Python was found; name some: make pythons PYTHONS="python3.12 python3.13"'; exit 1; }
	@set -e; for python in $(PYTHONS); do \
	    folder=.venv-$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	    $(MAKE) --no-print-directory $$folder/.ready PYTHON=$$python; \
	    $$folder/bin/python -m pytest -n auto $(DEVICE_TESTS); \
	done

bench: $(READY) ## how fast the local DPS is, as ratios
	@$(RUN) -m tests.bench

clean: ## remove the environments; workspaces stay
	rm -rf .venv .venv-* build $(dir $(NODE_CLIENTS) $(AXE))

.venv-3.%/.ready: pyproject.toml
	@echo "Creating the environment in $(@D): about a minute, once."
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

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

$(NODE_CLIENTS) $(AXE): %/node_modules/.ready: %/package.json
	npm install --silent --prefix $*
	touch $@
