# Everything a person does here. Each target sets up .venv first (nothing to do the second time).
# ONCE=1 and DEMO_BREAK=smtp are for the demo; OUT=file.json for the benchmarks; ARGS="..." is handed to scripts/test.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON := .venv/bin/python
export ONCE DEMO_BREAK OUT

.PHONY: help setup demo test check lab bench bench-mail docs

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: ## Make .venv with exactly what requirements.lock says
	@scripts/bootstrap

demo: setup ## Host a whole site on this machine; ONCE=1 checks every step and exits
	@$(PYTHON) scripts/demo

test: setup ## Run every test suite
	@$(PYTHON) scripts/test $(ARGS)

check: setup ## Format, lint, types, imports, migrations, translations, docs, audit
	@$(PYTHON) scripts/check

lab: setup ## Install and try the real servers that the tests use
	@$(PYTHON) scripts/lab

bench: setup ## Measure; prints a table and, with OUT=file.json, writes it; ONLY=pages runs one topic
	@$(PYTHON) -m benchmarks $(ONLY)

bench-mail: setup ## Measure delivery beside smtp-source; ONLY="rates sqlite" measures a part, on one database
	@$(PYTHON) -m benchmarks.mail $(ONLY)

docs: setup ## Write the generated reference pages and build the docs into build/docs
	@$(PYTHON) scripts/docs --build
