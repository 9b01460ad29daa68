# Two commands are all that a newcomer needs: `make book` and `make test`. Both set themselves up.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
JOBS   ?= 0

.PHONY: book test preview bench campaign data lock lint clean help

help: ## show the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is older than Python 3.11. Name a newer one: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || \
	  { echo "error: the venv module is missing. On Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "installing the locked requirements into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

book: $(READY) ## build the whole site into _build/html
	@$(BIN)/python -m book build --jobs $(JOBS)

test: $(READY) ## run every test: library, data, chapters, and the built site in a real browser
	@PYTHON_FOR_BROWSER=$(BIN)/python sh tests/browser/install.sh
	@$(BIN)/python -m pytest

preview: $(READY) ## build, serve, and rebuild on change
	@$(BIN)/python -m book preview

bench: $(READY) ## the benchmarks, each against a stated peer, as ratios
	@$(BIN)/python -m book bench

campaign: $(READY) ## the long form of the kill, equality and rebuild tests
	@$(BIN)/python -m pytest -m campaign -s

data: $(READY) ## compare the two entries, write data/published, sidecars and datapackage.json
	@$(BIN)/python -m watwerkt.package

lock: $(READY) ## resolve requirements.txt anew, with hashes, for Python 3.11 to 3.13
	@$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-emit-index-url --upgrade -o requirements.txt

lint: $(READY) ## what pre-commit checks
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

clean: $(READY) ## remove what was built (not the environment)
	@$(BIN)/python -m book clean
