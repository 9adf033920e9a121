# make demo: set up, and run the main job.   make test: set up, and run all tests.
PYTHON ?= python3.11
BIN := .venv/bin

.PHONY: setup demo test check fmt bench clean

setup: .venv/ready

.venv/ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: setup
	$(BIN)/nightsweep run examples/digits.yaml

test: setup
	$(BIN)/python -m pytest

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup
	$(BIN)/python benchmarks/study.py
	$(BIN)/python benchmarks/fixed_work.py
	$(BIN)/python benchmarks/same_search.py

clean:
	rm -rf .venv dist .mypy_cache .pytest_cache .ruff_cache
