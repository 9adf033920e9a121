# make demo: set up, and run the main job.   make test: set up, and run all tests.
# make chaos MINUTES=20 SEED=0: one sweep, and everything that a night can do to it.
PYTHON ?= python3.11
MINUTES ?= 20
SEED ?= 0
BIN := .venv/bin

.PHONY: setup demo test faults clusters examples fuzz check fmt bench chaos clean

setup: .venv/ready

.venv/ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: setup
	$(BIN)/nightsweep run examples/digits.yaml

test: setup
	$(BIN)/python -m pytest

faults: setup  # nodes, disks, memory: the tests that take a minute or more
	$(BIN)/python -m pytest -m "slow and not clusters"

clusters: setup  # several Ray nodes, a Ray jobs server, Slurm, cron: what is installed of them
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,clusters]'
	sh tests/clusters/install.sh
	$(BIN)/python -m pytest -m "clusters and not slow" --timeout 600

examples: setup  # programs with Lightning, Hugging Face, XGBoost ..., on real images and texts
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,examples]'
	sh tests/examples/install.sh
	$(BIN)/python -m pytest -m "examples and not slow" --timeout 600

fuzz: setup  # 10 000 malformed inputs and more: 500 for each of 21 properties
	FUZZ=500 $(BIN)/python -m pytest tests/fuzz --timeout 900

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

chaos: setup
	$(BIN)/python -m tests.chaos.soak --minutes $(MINUTES) --seed $(SEED)

clean:
	rm -rf .venv dist .mypy_cache .pytest_cache .ruff_cache
