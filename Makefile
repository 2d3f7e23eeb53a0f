# The two commands of the README (`make demo`, `make test`) and what CI adds to them.
PYTHON ?= python3
TORCH ?= torch==2.13.0
BIN := .venv/bin

.PHONY: demo test lint types docs bench clean

demo: .venv/.core
	$(BIN)/python examples/demo.py .demo

test: .venv/.dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.dev
	$(BIN)/mypy

docs: .venv/.dev
	$(BIN)/mkdocs build --strict --quiet

bench: .venv/.bench
	$(BIN)/python -m benchmarks && $(BIN)/python -m benchmarks.page

# torch is installed by itself and first: a later range then accepts it as it is.
.venv/.torch:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet "$(TORCH)"
	touch $@

.venv/.core: .venv/.torch pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[torch]'
	touch $@

.venv/.dev: .venv/.core pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[torch,dev]'
	touch $@

.venv/.bench: .venv/.dev pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[torch,dev,peers]'
	touch $@

clean:
	rm -rf .venv .demo site .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
