# The doors of the project. Each creates the environments it needs first, from the project's own files alone.
PYTHON ?= python3
# uv makes in seconds an environment that takes pip a minute. Where uv can't be had, pip does it.
UV ?= uv
# Which versions the project's own environments get: by default the newest that pyproject.toml allows. VERSIONS=--pre takes
# pre-releases, too; VERSIONS="--constraint constraints.txt" takes that file's versions and checks their hashes, which uv can.
VERSIONS ?=
RUN := .venv/bin/python
# The environment in two layers: what the walkthrough needs, then what the tests need.
READY := .venv/.ready
TEST_READY := .venv/.test-ready
# Clients that can't live in the same environment as the newest ones; the tests drive the local DPS with them.
OLD_CLIENT := .venv-management-1.1/.ready
NODE_CLIENTS := tests/clients/node/node_modules/.ready tests/clients/node_device/node_modules/.ready
AXE := tests/browser/node_modules/.ready
AZURE_CLI := .venv-azure-cli/.ready
# The local DPS as its users get it: its wheel and sdist, and an environment with nothing but the wheel and what the tests of
# a client need.
PACKAGE := .venv-package/.ready
# NIST's certificates, in a wheel of 56 MB that is read and not installed.
VECTORS := build/vectors/.ready
# Other Pythons than $(PYTHON), of pyenv or on the path. Or name some: make pythons PYTHONS="python3.12 python3.13".
OWN_MINOR = $(shell $(PYTHON) -c 'import sys; print(sys.version_info[1])')
PYTHONS ?= $(strip $(foreach minor,$(filter-out $(OWN_MINOR),11 12 13 14),$(firstword \
    $(wildcard $(shell pyenv root 2>/dev/null)/versions/3.$(minor).*/bin/python3) \
    $(shell python3.$(minor) -c 'import sys; print(sys.executable)' 2>/dev/null))))

DEVICE_TESTS := tests/clients/test_python_device.py tests/dps/test_devices.py tests/local_dps/test_devices.py
# What fits into 45 seconds: the rooms, without what waits, starts processes or runs notebooks.
QUICK_TESTS := tests/certificates tests/dps tests/lesson tests/test_command_line.py tests/test_files.py \
    tests/test_workspace.py \
    $(foreach plane,devices enrollment management,tests/local_dps/test_$(plane).py) \
    $(foreach slow,certificates/test_fleet certificates/test_other_tools dps/test_local_process dps/test_retries \
        lesson/test_access lesson/test_cells lesson/test_end_and_interruption lesson/test_expectations \
        lesson/test_experiments lesson/test_portal lesson/test_provisioning lesson/test_recipes lesson/test_script \
        lesson/test_unreliable_service,--ignore=tests/$(slow).py)

# A kernel takes 100 MB. One that has been idle for an hour, with no tab open on it, goes.
CULLING := --MappingKernelManager.cull_idle_timeout=3600 --MappingKernelManager.cull_interval=300

# Every address that JupyterLab prints leads there, for not everybody has a browser on the same machine.
START := --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb

.PHONY: tutorial lab test test-quick browser azure-cli pythons newest-python judging weekly bench constraints clean

tutorial: $(READY) ## execute every notebook against a local DPS, in a clean workspace of its own
	@$(RUN) -m helpers run

lab: $(READY) ## open JupyterLab where the walkthrough begins
	@$(RUN) -m helpers.jupyter_folders
	.venv/bin/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) --ServerApp.root_dir=. $(START) $(CULLING)

test: $(TEST_READY) $(OLD_CLIENT) $(NODE_CLIENTS) $(VECTORS) $(PACKAGE) ## run the whole test suite: four at a time, for many wait for clocks
	$(RUN) -m pytest -n 4 --ignore=tests/azure_cli --ignore=tests/browser

test-quick: $(TEST_READY) ## run in 45 seconds what tells soonest that something broke
	$(RUN) -m pytest -n 3 $(QUICK_TESTS)

browser: $(TEST_READY) $(AXE) ## work the notebooks in JupyterLab as a person does, in Chromium; screenshots go to build
	$(RUN) -m pytest -n 3 tests/browser
	$(RUN) -m tests.browser.looks

azure-cli: $(TEST_READY) $(AZURE_CLI) ## drive a local DPS with the Azure CLI: 750 MB in an environment of its own
	$(RUN) -m pytest tests/azure_cli

# The device plane is a duck in asyncio's eyes, and Azure's device SDK is older than these Pythons: each is tried.
pythons: ## devices and the device plane on every other Python
	@test -n "$(PYTHONS)" || { echo 'No other Python was found; name some: make pythons PYTHONS="python3.12 python3.13"'; exit 1; }
	@set -e; for python in $(PYTHONS); do \
	    folder=.venv-$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	    $(MAKE) --no-print-directory $$folder/.ready PYTHON=$$python; \
	    $$folder/bin/python -m pytest -n auto $(DEVICE_TESTS); \
	done

newest-python: ## the same on the newest of them alone, or on $(PYTHON) if there is no other
	@$(if $(PYTHONS),,echo "No other Python than $(PYTHON) was found, so it runs these tests itself, in another environment.")
	@$(MAKE) --no-print-directory pythons PYTHONS="$(or $(lastword $(PYTHONS)),$(PYTHON))"

judging: $(TEST_READY) $(VECTORS) ## judge 10,000 generated proofs and NIST's chains beside OpenSSL
	@$(RUN) -m tests.judging

weekly: export TEST_LENGTH := long
weekly: test browser azure-cli pythons judging ## everything at its full length: what takes too long for each change

bench: $(TEST_READY) ## how fast everything is, as ratios; QUICK=1 for a look
	@$(RUN) -m tests.bench $(if $(QUICK),--quick)

constraints: $(READY) ## write constraints.txt: the newest versions, with hashes, for every system and Python
	@$(RUN) -m uv pip compile pyproject.toml --extra test --universal --python-version 3.11 --upgrade --generate-hashes \
	    --no-annotate --custom-compile-command "make constraints" --quiet --output-file constraints.txt >/dev/null

clean: ## remove the environments; workspaces stay
	rm -rf .venv .venv-* build $(dir $(NODE_CLIENTS) $(AXE))

# $(call install,FOLDER,WHAT): into the environment in FOLDER.
define install
	@if [ -n "$(UV)" ] && $(1)/bin/python -m pip install --quiet --disable-pip-version-check $(UV); then \
	    $(1)/bin/python -m uv pip install --quiet --python $(1)/bin/python --compile-bytecode $(2); \
	else \
	    $(1)/bin/python -m pip install --quiet --disable-pip-version-check $(2); \
	fi
endef

$(READY): pyproject.toml data/jupyterlab_overrides.json
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; try make PYTHON=python3.12")'
	@echo "Creating the environment in .venv, once."
	@$(PYTHON) -m venv .venv
	$(call install,.venv,$(VERSIONS) --editable .)
	@$(RUN) -m compileall -q helpers
	@mkdir -p .venv/share/jupyter/lab/settings
	@cp data/jupyterlab_overrides.json .venv/share/jupyter/lab/settings/overrides.json # no question about news, and Markdown as a page
	@touch $@

$(TEST_READY): $(READY)
	@echo "Adding what the tests need."
	$(call install,.venv,$(VERSIONS) --editable '.[test]')
	@touch $@

.venv-3.%/.ready: pyproject.toml
	@echo "Creating the environment in $(@D), once."
	@$(PYTHON) -m venv $(@D)
	$(call install,$(@D),$(VERSIONS) --editable '.[test]')
	@touch $@

# By pip, so that the fallback is used, too.
$(OLD_CLIENT): UV :=
$(OLD_CLIENT): tests/clients/management_1_1/requirements.txt
$(AZURE_CLI): tests/azure_cli/requirements.txt
$(OLD_CLIENT) $(AZURE_CLI):
	@echo "Creating the environment in $(@D), once."
	@$(PYTHON) -m venv $(@D)
	$(call install,$(@D),--requirement $<)
	@touch $@

$(PACKAGE): $(shell find helpers/local_dps -type f -not -name '*.pyc') tests/package/requirements.txt | $(TEST_READY)
	@echo "Building the package local-dps in build/package, and an environment with it in $(@D)."
	@rm -rf build/package
	@$(RUN) -m build --no-isolation --outdir build/package helpers/local_dps >/dev/null
	@$(PYTHON) -m venv --clear $(@D)
	$(call install,$(@D),$(VERSIONS) build/package/*.whl --requirement tests/package/requirements.txt)
	@touch $@

$(VECTORS): tests/judging/requirements.txt | $(READY)
	$(RUN) -m pip download --quiet --disable-pip-version-check --no-deps --dest $(@D) --requirement $<
	@touch $@

$(NODE_CLIENTS) $(AXE): %/node_modules/.ready: %/package.json
	npm install --silent --prefix $*
	touch $@
