# Framethrift. `make` lists what there is to make; everything else is done by Snakemake (see README.md).
#
# Every target first fills .venv from requirements.lock. That takes a few minutes once, then nothing until the lock changes.

STUDY ?= mini
PORT ?= 5000
# Candidates for .venv, the first that fits is taken; 3.11 is the one the lock was tested with most.
PYTHON ?= python3.11 python3.12 python3.13 python3

RUN := .venv/bin/python -m
FILLED := .venv/.filled

ifneq ($(shell printf '%s' '$(subst ','\'',$(STUDY))' | LC_ALL=C grep -cx '[a-z][a-z0-9_]*'),1)
$(error STUDY is the name of a file in config/studies: small letters, digits and '_'; found '$(STUDY)')
endif

# The rules call `framethrift` by name.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

# An environment that was moved, or whose Python is gone, is filled anew.
ifneq ($(wildcard $(FILLED)),)
ifneq ($(shell [ "$$(cat $(FILLED))" = "$$(pwd -P)" ] && .venv/bin/python -c 'print("good")' 2>/dev/null),good)
.PHONY: $(FILLED)
endif
endif

.PHONY: help demo publish test lint audit mlflow clean
.DEFAULT_GOAL := help

help:
	@echo 'make demo [CLIPS=FOLDER]   the miniature of both papers, with your own video clips if you like: reports/mini/index.html'
	@echo 'make publish STUDY=small   keep the report of a finished study in git: reports/published/small'
	@echo 'make test                  all tests'
	@echo 'make lint                  formatting, style and types'
	@echo 'make audit                 known vulnerabilities of the pinned packages (needs the network, and says so)'
	@echo 'make mlflow [PORT=5000]    every training curve of the study, in the browser'
	@echo 'make clean                 delete results/mini, reports/mini and caches'
	@echo
	@echo 'STUDY=NAME chooses another study for demo, publish, mlflow and clean; PYTHON=PATH chooses the Python that .venv is made from.'

# CLIPS reaches the shell as a variable and Snakemake as a quoted YAML string: any folder name will do.
override export CLIPS := $(value CLIPS)
CLIPS_AS_YAML := import json, os; print("clips=" + json.dumps([os.path.expanduser(os.environ["CLIPS"])], ensure_ascii=False))

demo: $(FILLED)
	@set -eu; \
	set -- --profile workflow/profiles/default --config study=$(STUDY); \
	if [ -n "$$CLIPS" ]; then set -- "$$@" "$$(.venv/bin/python -c '$(CLIPS_AS_YAML)')"; fi; \
	$(RUN) framethrift.unlock "$$@"; \
	$(RUN) snakemake "$$@"
	@printf '\nThe report: %s\n' "$$(pwd -P)/reports/$(STUDY)/index.html"

publish: $(FILLED)
	@framethrift publish $(STUDY)

test: $(FILLED)
	@$(RUN) pytest -n 2 --dist loadgroup

lint: $(FILLED)
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) snakefmt --check Snakefile workflow
	$(RUN) snakemake --lint
	$(RUN) mypy

audit: $(FILLED)
	@.ci/audit

mlflow: $(FILLED)
	@test -d results/$(STUDY)/tracking || { echo 'results/$(STUDY) has no runs yet: make demo STUDY=$(STUDY)' >&2; exit 1; }
	@-$(RUN) framethrift.tracking results/$(STUDY)
	@MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false $(RUN) mlflow ui --workers 1 --port $(PORT) --backend-store-uri "sqlite:///$$(pwd -P)/results/$(STUDY)/tracking/mlflow.db"

clean:
	rm -rf results/$(STUDY) reports/$(STUDY) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find framethrift lightning_modules tests perf -name __pycache__ -type d -prune -exec rm -rf {} +

# The mark .venv/.filling stands while packages are being installed. If it is there already and nobody is at it, an
# installation was cut short, and what it left cannot be trusted: start over (pip's cache makes that quick). torch comes
# first and brings the CUDA packages of its build, if any; the lock names all the rest, so nothing is resolved.
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))

$(FILLED): requirements.lock pyproject.toml
	@set -eu; \
	if [ -e .venv/.filling ] && kill -0 "$$(cat .venv/.filling)" 2>/dev/null; then \
	    echo "Process $$(cat .venv/.filling) is filling .venv right now: wait for it (or delete .venv if it is something else)." >&2; exit 1; \
	fi; \
	if [ -e .venv/.filling ] || { [ -e $(FILLED) ] && [ "$$(cat $(FILLED))" != "$$(pwd -P)" ]; } \
	    || { [ -e .venv ] && ! .venv/bin/python -c 'import pip; $(FITS)' 2>/dev/null; }; then \
	    echo 'The old .venv was cut short, moved or made by another Python: starting over.'; rm -rf .venv; \
	fi; \
	if [ ! -e .venv ]; then \
	    python=; refused=; \
	    for candidate in $(PYTHON); do \
	        version=$$("$$candidate" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) || continue; \
	        if ! "$$candidate" -c '$(FITS)'; then \
	            refused="$$refused; $$candidate is $$version"; \
	        elif ! "$$candidate" -c 'import ensurepip, venv' 2>/dev/null; then \
	            refused="$$refused; $$candidate is $$version, without its venv module (Debian and Ubuntu: the package python3-venv)"; \
	        else python=$$candidate; break; fi; \
	    done; \
	    if [ -z "$$python" ]; then \
	        refused=$${refused#; }; \
	        echo "Framethrift needs Python 3.11, 3.12 or 3.13 with its venv module. Found: $${refused:-no Python at all}." >&2; \
	        echo 'Install one of them, or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)' >&2; exit 1; \
	    fi; \
	    echo "Creating .venv with Python $$version and about 250 packages: a few minutes, once."; \
	    mkdir .venv; echo $$$$ > .venv/.filling; "$$python" -m venv .venv; \
	fi; \
	echo $$$$ > .venv/.filling; \
	export PIP_DISABLE_PIP_VERSION_CHECK=1; \
	$(RUN) pip install "$$(grep '^torch==' requirements.lock)"; \
	$(RUN) pip install --no-deps -r requirements.lock; \
	$(RUN) pip install --no-deps --no-build-isolation -e .; \
	pwd -P > $(FILLED); \
	rm .venv/.filling
