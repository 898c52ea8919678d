# A machine needs Python >= 3.11, git and make. Everything else comes from requirements.lock, by digest.
.DEFAULT_GOAL := help
.PHONY: help documents demo up down status pictures test check lint faults mutants bench test-containers lock clean
BIN := .venv/bin
LOCKED := .venv/made-from-lock
VENV := .venv/installed
UV := uv==0.13.9
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help: ## print these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | \
	    while IFS='|' read -r target does; do printf 'make %-18s%s\n' "$$target" "$$does"; done

demo: $(VENV) ## play a school year in 's-Hertogenbosch and prove the figures; ARGS='--seed 7' goes to the command
	$(BIN)/samenspel demo $(ARGS)

up: $(VENV) ## start Kafka, PostgreSQL and the services, and leave them running
	$(BIN)/samenspel up $(ARGS)

down: $(VENV) ## stop what `make up` started
	$(BIN)/samenspel down $(ARGS)

status: $(VENV) ## tell how the parts of the running stack are doing
	$(BIN)/samenspel status $(ARGS)

pictures: $(VENV) ## docs/pictures/ from a stack that runs and has seen a demo: make up, then make demo ARGS=--against-running
	$(BIN)/python -m tests.e2e.browser

test: lint ## all tests, on real Kafka and PostgreSQL, after the linters
	$(BIN)/pytest --ignore=tests/bench --ignore=tests/containers -m 'not long' $(ARGS)

check: lint ## linters, and the tests that start no Kafka and no PostgreSQL (under 30 s)
	$(BIN)/pytest -q tests/unit tests/contract demo/recount/tests

lint: $(VENV) ## style, strict types, the borders between the rooms, and the contracts' documents
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m contracts.documents check
	$(BIN)/python -m services.documents check

# The row of a test that does not run stays: ARGS='-k kafka' repeats some of them. T20 is the promise of `reporting`, T22
# is among the tests of the outbox, T29 and T30 are among those of the contracts and of all services.
faults: $(VENV) ## all fault tests, the long ones too, and their report: docs/faults.md
	$(BIN)/python -m pytest -p tests.faults.report --faults-report docs/faults.md \
	    tests/faults tests/delivery/test_delivery.py tests/integration/chassis/test_outbox.py \
	    tests/integration/contracts/test_described.py tests/integration/contracts/test_schemathesis.py \
	    tests/integration/contracts/test_who_may.py tests/integration/test_every_cell.py $(ARGS)

mutants: $(VENV) ## does a test notice a small change of the pure modules? (long; survivors: docs/mutants.md)
	rm -rf mutants
	$(BIN)/mutmut run $(ARGS)
	$(BIN)/mutmut results

bench: $(VENV) ## measure speed, each beside its limit in the same run
	$(BIN)/python -m tests.bench $(ARGS)

test-containers: $(VENV) ## the integration tests and the demo against containers (needs a Docker engine)
	.ci/containers

documents: $(VENV) ## write the documents that are made from the code: schemas, manifest, problems, life cycles
	$(BIN)/python -m contracts.documents write
	$(BIN)/python -m services.documents write

lock: $(VENV) ## write requirements.lock and the image's part of it from pyproject.toml; ARGS=--upgrade takes newer versions
	$(BIN)/python -m venv .samenspel/lock
	.samenspel/lock/bin/python -m pip install -q '$(UV)'
	.samenspel/lock/bin/uv pip compile -q $(ARGS) --universal --generate-hashes --no-emit-index-url --no-header \
	    --all-extras pyproject.toml -o requirements.lock
	.samenspel/lock/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header \
	    --constraint requirements.lock pyproject.toml -o requirements.runtime.lock

clean: ## stop the stack and remove everything that was made here
	@if [ -x $(BIN)/samenspel ]; then $(BIN)/samenspel down; fi
	rm -rf .venv .samenspel mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info

# Installed anew when pyproject.toml changes: it says which packages and entry points there are.
$(VENV): $(LOCKED) pyproject.toml
	@$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

# Made anew when the lock changes, so that no package of an older lock stays behind.
$(LOCKED): requirements.lock
	@if [ -x $(BIN)/samenspel ]; then $(BIN)/samenspel down >/dev/null 2>&1 || true; fi
	@for python in python3.13 python3.12 python3.11 python3 none; do \
	    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi; \
	done; \
	if [ $$python = none ]; then \
	    echo "Samenspel needs Python 3.11 or newer; $$(python3 --version 2>/dev/null || echo no python3) was found." >&2; \
	    exit 1; \
	fi; \
	echo "Making .venv with $$($$python --version) from requirements.lock; this takes a minute or two."; \
	$$python -m venv --clear .venv || { \
	    echo "$$python cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install -q --require-hashes -r requirements.lock
	@touch $@
