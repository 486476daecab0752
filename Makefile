# The one list of commands. `make` alone prints it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
T ?= tests

.PHONY: help install run serve quick test chaos later model lint types format bench dist docs constraints schemas suffixes clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

install: $(VENV)/.installed ## Create .venv and install everything into it

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "The module venv of Python is missing: apt-get install python3-venv, then make $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

$(VENV)/.docs $(VENV)/.release: $(VENV)/.%: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$*]'
	@touch $@

run: install ## Run a drill check on examples/ from end to end, without any account or server
	@$(BIN)/python examples/run.py

# without a schedule of one's own it watches the examples
serve: export DRILLS_SCHEDULE ?= $(CURDIR)/examples/fleet
serve: install ## Start the Prefect server and UI with the deployments scheduled
	@$(BIN)/drills serve

# compiled modules are kept, also where the environment says otherwise: tests start many processes
quick test chaos later: export PYTHONDONTWRITEBYTECODE =

quick: install ## Run the cheap linters and the fast unit tests, in half a minute
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/pytest --quiet --numprocesses 2 --dist loadfile -m 'not slow and not chaos and not hypothesis' tests/unit

test: install ## Run the tests (T=tests/unit for a part)
	$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(T)

chaos: $(VENV)/.docs ## Run the long tests: kills, outages, every product of cases, many examples (PostgreSQL: DRILLS_TEST_POSTGRES)
	$(BIN)/pytest -m chaos tests
	DRILLS_TEST_MANY_EXAMPLES=1 $(BIN)/pytest --numprocesses auto --dist loadfile -m 'hypothesis and not chaos' tests

later: DAYS ?= 400
later: install ## Run the tests by a clock that is DAYS ahead: they must not fail from a certain day on (needs gcc)
	$(BIN)/python -m tests.later $(DAYS) --numprocesses auto --dist loadfile --no-loadscope-reorder $(T)

model: install ## Prove the protocols of outbox and evidence with Spin, at a small size
	@$(BIN)/python tests/model/run.py

lint: install ## Check format, lint, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@$(MAKE) --no-print-directory types
	$(BIN)/lint-imports

types: install ## Check types alone
	$(BIN)/mypy --cache-dir .mypy_cache/source
	$(BIN)/mypy --cache-dir .mypy_cache/tests --explicit-package-bases tests examples

format: install ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install ## Print one JSON line for each benchmark figure
	@$(BIN)/python tests/bench/run.py

dist: $(VENV)/.release ## Build sdist, wheel and SBOM into dist/, with the locked versions and checksums
	rm -rf dist build/release
	$(BIN)/python -m build --outdir dist . >/dev/null
	cp requirements.lock dist/
	$(PYTHON) -m venv --without-pip build/release
	$(BIN)/pip --python build/release install --quiet --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip --python build/release install --quiet --no-deps dist/*.whl
	$(BIN)/pip --python build/release check
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o dist/sbom.cdx.json build/release
	cd dist && sha256sum * > SHA256SUMS

docs: $(VENV)/.docs ## Build the documentation site into build/site, without a warning
	@$(BIN)/python tools/docs_site.py

constraints: $(VENV)/.docs $(VENV)/.release ## Write the versions of .venv to constraints.txt, and those of users to requirements.lock
	$(BIN)/pip freeze --exclude-editable | sort -f > constraints.txt
	$(BIN)/uv pip compile --quiet pyproject.toml --extra all --universal -c constraints.txt --upgrade --generate-hashes \
		--no-annotate --custom-compile-command "make constraints" -o requirements.lock

schemas: install ## Write the JSON Schemas of the documents anew from their models
	$(BIN)/python tools/json_schemas.py

suffixes: install ## Write the endings of host names anew from the Public Suffix List
	$(BIN)/python tools/public_suffixes.py
	$(BIN)/ruff format rollback_drills/documents/privacy/public_suffixes.py

clean: ## Remove what the other commands made
	rm -rf $(VENV) .demo build dist *.egg-info
