# The commands of Firstread. CI runs the same targets and nothing else (see .ci/run).
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Extra options for pip when it installs PyTorch, for example an index that holds the CPU build:
# see docs/operations.md, "Training".
TORCH_PIP_OPTIONS ?=

# What a run at a desk can do without (it is skipped), and CI cannot.
TEST_DEBIAN_PACKAGES := orthanc orthanc-dicomweb dcmtk dicom3tools redis-server postgresql chromium \
	fonts-wqy-microhei logrotate systemd prometheus rsyslog rsyslog-openssl haproxy
# A viewer that the page serves, and the tests look at our objects with: the npm package carries it built.
OHIF := @ohif/app@3.13.2
OHIF_SHA512 := WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA==
# What the viewer of slices is built on: its one module is committed, and made again by make viewer-library.
VIEWER_LIBRARY := worklist/viewer/library
# A DIMSE client that shares no code with ours.
DIMSE_CLIENT := tests/peers/dcmjs
# What the demo can do without: without Orthanc it starts a small PACS of our own.
DEMO_DEBIAN_PACKAGES := orthanc

# Several processes run the tests. The threads of numpy and PyTorch within each would wait for those of
# the others with busy cores: a test of the training took ten times the processor's time.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

# Programs of pynetdicom, which we use as a library alone. They are called as dcmtk's are, and an
# activated environment would hide those, which take other options. `python -m pynetdicom storescu` still runs this one.
HIDING_DCMTK := echoscp echoscu findscu getscu movescu qrscp storescp storescu

PACKAGES := $(patsubst %/__init__.py,%,$(wildcard $(addsuffix /__init__.py,\
	firstread worklist worker chest dicom_node hl7_node webhook_node http_client models storage database settings \
	radiology phantom training \
	evaluation benchmarks tests/peers tests/builders)))

.PHONY: help setup setup-training demo test check viewer viewer-library dimse-client unit bench train train-head serve \
	sbom audit conformance wheelhouse lock format clean

help: ## List these commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/installed ## Make .venv from requirements-dev.lock, unless it is up to date
	@rm -f $(addprefix $(BIN)/,$(HIDING_DCMTK))

demo: setup ## Send a study through the whole path; STUDY=folder takes your own DICOM, DEMO_OPTIONS=--keep-running leaves the page open
	@.ci/debian-packages optional $(DEMO_DEBIAN_PACKAGES)
	@.ci/npm-package optional $(OHIF) $(OHIF_SHA512) build/ohif
	@$(BIN)/firstread demo $(if $(STUDY),--study "$(STUDY)") $(DEMO_OPTIONS)

test: setup ## Run every test, with real peers; what is not installed is skipped, unless CI=true
	@.ci/debian-packages $(if $(filter true,$(CI)),required,wanted) $(TEST_DEBIAN_PACKAGES)
	@.ci/npm-package $(if $(filter true,$(CI)),required,wanted) $(OHIF) $(OHIF_SHA512) build/ohif
	@.ci/npm-lock $(if $(filter true,$(CI)),required,wanted) $(DIMSE_CLIENT) build/dcmjs
	$(PYTEST) $(TEST_OPTIONS)

check: setup ## Format, lint, types, imports and unit tests; about two minutes on two cores
	@$(if $(filter true,$(CI)),.ci/debian-packages required $(TEST_DEBIAN_PACKAGES))
	@$(if $(filter true,$(CI)),.ci/npm-lock required $(VIEWER_LIBRARY) build/viewer-library)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(addprefix -p ,$(subst /,.,$(PACKAGES))) -m tests.conftest
	$(BIN)/lint-imports
	$(PYTEST) -q tests/unit

viewer: ## Unpack OHIF, a viewer, into build/: the page serves it, and the tests look through it
	@.ci/npm-package required $(OHIF) $(OHIF_SHA512) build/ohif

viewer-library: ## Make the viewer's library and its licences anew from worklist/viewer/library
	@.ci/npm-lock required $(VIEWER_LIBRARY) build/viewer-library
	node $(VIEWER_LIBRARY)/build.mjs build/viewer-library worklist/viewer/static

dimse-client: ## Install dcmjs-dimse into build/, for the tests of work items
	@.ci/npm-lock required $(DIMSE_CLIENT) build/dcmjs

unit: setup ## Run the unit tests alone
	$(BIN)/python -m pytest -q tests/unit $(TEST_OPTIONS)

bench: setup ## Measure what we claim about speed; BASE=git-ref compares with another version, in turn
	@.ci/debian-packages wanted $(TEST_DEBIAN_PACKAGES)
	$(BIN)/python -m benchmarks$(if $(BASE),.compare "$(BASE)") $(BENCH_OPTIONS)

train: setup-training ## Train and export the chest bundle; two hours on two cores, and it may be interrupted
	$(BIN)/python -m training.chest --out build/chest-ct-pneumonia/3.1.0 $(TRAIN_OPTIONS)

train-head: setup-training ## Train and export the head bundle; about ten minutes on one core
	$(BIN)/python -m training.head $(TRAIN_OPTIONS)

setup-training: $(VENV)/training-installed ## Add what training needs (PyTorch) to .venv
	@:

serve: setup ## Start the embedded size
	$(BIN)/firstread serve $(SERVE_OPTIONS)

format: setup ## Put every file into the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

sbom: setup ## Write what a release is made of into build/sbom.json (CycloneDX); of an installation: firstread sbom
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/firstread sbom --release . --out build/sbom.json

audit: sbom ## Ask OSV, a database of known vulnerabilities, about every package of a release; needs a network
	@$(BIN)/python .ci/audit.py build/sbom.json $(AUDIT_DATABASE)

conformance: setup ## Make docs/conformance.md anew from the code and firstread/conformance/statement.md
	@$(BIN)/firstread conformance --docs --out docs/conformance.md

wheelhouse: setup viewer sbom ## Put everything for an installation without a network into build/wheelhouse
	@.ci/wheelhouse $(BIN)/python build/wheelhouse

lock: ## Pin the newest releases that pyproject.toml admits
	rm -rf $(LOCK_TOOL)
	$(PYTHON) -m venv $(LOCK_TOOL)
	$(LOCK_TOOL)/bin/python -m pip install --quiet uv
	$(LOCK_TOOL)/bin/uv pip compile pyproject.toml --extra cpu --extra tracing --extra dev $(LOCK_OPTIONS) \
		--upgrade --generate-hashes --output-file requirements-dev.lock
	$(LOCK_TOOL)/bin/uv pip compile pyproject.toml --extra cpu --extra tracing $(LOCK_OPTIONS) \
		--constraint requirements-dev.lock --generate-hashes --output-file requirements.lock
	$(LOCK_TOOL)/bin/uv pip compile requirements-training.in $(LOCK_OPTIONS) \
		--output-file requirements-training.lock
	echo "torch==$(TORCH_VERSION)" >> requirements-training.lock
	echo uv | $(LOCK_TOOL)/bin/uv pip compile - $(LOCK_OPTIONS) \
		--upgrade --generate-hashes --output-file .ci/installer.lock
	rm -rf $(LOCK_TOOL)

LOCK_TOOL := .venv-lock
TORCH_VERSION := 2.13.0
LOCK_OPTIONS := --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate

clean: ## Delete what make and the tools made; never data
	rm -rf $(VENV) $(LOCK_TOOL) build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps lie in the virtual environment: each says which version of its inputs was installed there.

$(VENV)/installed: requirements-dev.lock .ci/installer.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Firstread needs Python 3.11 or newer; name one: make PYTHON=python3.11 …"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
		|| { echo "Python cannot make a virtual environment; on Debian install python3-venv"; exit 1; }
	@echo "Installing what requirements-dev.lock names into $(VENV) (the first time: about a minute) …"
	@.ci/install $(BIN)/python requirements-dev.lock
	@touch $@

$(VENV)/training-installed: requirements-training.lock $(VENV)/installed
	@echo "Installing PyTorch and what else training needs into $(VENV) …"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check $(TORCH_PIP_OPTIONS) -r requirements-training.lock
	@touch $@
