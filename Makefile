# make app    the app on http://127.0.0.1:8501, with the built-in sample dataset
# make test   all tests, those in a real Chromium among them
# make check  ruff + mypy + tests

PYTHON ?= python3
PORT ?= 8501
TORCH ?= 2.13.0
BIN = .venv/bin

.PHONY: app test test-long check lint browser clean

app: .venv/app
	$(BIN)/python -m streamlit run app.py --server.port $(PORT)

test: .venv/dev browser
	$(BIN)/python -m pytest -m "not long"

test-long: .venv/dev browser
	$(BIN)/python -m pytest

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint test

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "UNet Studio needs Python 3.11 or newer.")'
	$(PYTHON) -m venv .venv || { echo "venv is missing: apt-get install python3-venv"; rm -rf .venv; exit 1; }

# The CPU build where there is no NVIDIA GPU: from a local folder of wheels, else from PyTorch's own index.
.venv/torch: | .venv/bin/python
	if command -v nvidia-smi >/dev/null 2>&1; then \
	  $(BIN)/pip install -q "torch==$(TORCH)"; \
	else \
	  $(BIN)/pip install -q "torch==$(TORCH)+cpu" 2>/dev/null \
	  || $(BIN)/pip install -q "torch==$(TORCH)" --index-url https://download.pytorch.org/whl/cpu; \
	fi
	touch $@

.venv/app: requirements.txt .venv/torch
	$(BIN)/pip install -q -r requirements.txt
	touch $@

.venv/dev: requirements.txt requirements-dev.txt .venv/torch
	$(BIN)/pip install -q -r requirements-dev.txt
	touch .venv/app $@

# The browser of the tests. A build that Playwright downloads itself would do as well: name it in CHROMIUM.
browser:
	@command -v chromium >/dev/null || [ -n "$$CHROMIUM" ] || { \
	  as_root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  $$as_root apt-get update -q && $$as_root apt-get install -y -q chromium; }

clean:
	rm -rf .venv .mypy_cache .ruff_cache
