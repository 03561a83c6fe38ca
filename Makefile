# Everything a person or a machine does here. `make` alone lists it. Needs Python 3.11 or newer, and make.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.requirements-dev

.DEFAULT_GOAL := help
.PHONY: help demo demo-reset run stop test crash check lint format lock

help: ## list what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

demo: $(STAMP) ## set everything up and show the main job on sample data (Ctrl-C stops it)
	$(RUN) manage.py demo

demo-reset: $(STAMP) ## forget all that the demo has made
	$(RUN) manage.py demo --reset

run: $(STAMP) ## run everything in the foreground: database, web, workers, bot
	$(RUN) manage.py up

stop: $(STAMP) ## stop what `make run` or `make demo` runs, also after a crash
	$(RUN) manage.py down

test: $(STAMP) ## run the tests, on a PostgreSQL that starts by itself
	$(RUN) -m pytest

crash: $(STAMP) ## kill real processes of the job engine for five minutes, and count what was lost or doubled
	$(RUN) -m tests.crash

check: lint test ## all that must be green before a commit: lint, then the tests

lint: $(STAMP) ## format, lint, types, layers, migrations, templates
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/mypy
	$(RUN) manage.py makemigrations --check --dry-run
	$(VENV)/bin/djlint --lint templates

format: $(STAMP) ## put the code into its one form
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

# Made once, and again when the requirements change. An environment that is a link belongs to somebody else.
$(STAMP): requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Checkback needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11 ...")'
	@if [ -L $(VENV) ]; then true; else \
	  test -x $(RUN) || $(PYTHON) -m venv $(VENV) || { echo "Making $(VENV) failed: on Debian and Ubuntu install python3-venv."; exit 1; }; \
	  $(RUN) -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/dev.txt; fi
	@touch $@

lock: ## write the pinned requirements anew from pyproject.toml (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes pyproject.toml -o requirements/base.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --extra trial pyproject.toml -o requirements/trial.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --extra trial --group dev -c requirements/trial.txt pyproject.toml -o requirements/dev.txt
