# Two commands are all that a newcomer needs: `make book` and `make test`. Both set themselves up.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
EXTRA  := _build/extra
JOBS   ?= 0
# Small regressions: threads of linear algebra that wait for each other make them many times slower.
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: book test preview bench campaign spark coverage data lock wheels lint clean help

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
	@$(BIN)/python -m book build --jobs $(JOBS) $(if $(MICRODATA),--microdata "$(MICRODATA)")

test: $(READY) ## run every test: library, data, chapters, and the built site in a real browser
	@PYTHON_FOR_BROWSER=$(BIN)/python sh tests/browser/install.sh
	@$(BIN)/python -m pytest

preview: $(READY) ## build, serve, and rebuild on change
	@$(BIN)/python -m book preview

# What one target alone needs is installed beside the environment, so that no page is executed anew because of it.
$(EXTRA)/%/.ready: requirements-%.txt $(READY)
	@echo "installing what '$*' needs into $(@D) …"
	@rm -rf $(@D)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --target $(@D) -r $<
	@touch $@

bench: $(READY) $(EXTRA)/bench/.ready ## the benchmarks, each against a stated peer, as ratios
	@$(BIN)/python -m book bench $(if $(RECORD),--record)

coverage: $(READY) ## the simulation study in full: draws every sample of data/simulation anew
	@$(BIN)/python -m watwerkt.simulation

spark: $(READY) $(EXTRA)/spark/.ready ## the compression on a local Spark (needs Java 17)
	@command -v java >/dev/null || { echo "error: there is no Java. On Debian: apt-get install default-jre-headless" >&2; exit 1; }
	@PYTHONPATH=$(EXTRA)/spark $(BIN)/python -m pytest -m spark tests/spark

campaign: $(READY) ## the long form of the kill, equality and rebuild tests
	@$(BIN)/python -m pytest -m campaign -s

data: $(READY) ## compare the two entries, write data/published, sidecars and datapackage.json
	@$(BIN)/python -m watwerkt.package

lock: $(READY) ## resolve requirements.txt anew, with hashes, for Python 3.11 to 3.13
	@$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-emit-index-url --upgrade -o requirements.txt
	@for extra in spark bench; do $(BIN)/uv pip compile --group pyproject.toml:$$extra --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-emit-index-url -c requirements.txt --upgrade -o requirements-$$extra.txt; done

wheels: $(READY) ## fetch all that an installation without internet needs into wheels/
	@$(BIN)/python -m pip download --quiet --disable-pip-version-check --require-hashes -d wheels -r requirements.txt

lint: $(READY) ## what pre-commit checks
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

clean: $(READY) ## remove what was built (not the environment)
	@$(BIN)/python -m book clean
