# Each target sets up what it needs: a virtual environment keyed on the requirements, and Debian's Chromium for the
# browser tests when it is missing.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# The package is installed in place, so the environment belongs to this folder as much as to the requirements.
KEY := $(shell (cat requirements.txt requirements-dev.txt pyproject.toml; pwd) | sha256sum | cut -c1-16)
STAMP := $(VENV)/.installed-$(KEY)

# Where bytecode is not kept, each of the tests' many processes compiles torch and streamlit anew.
unexport PYTHONDONTWRITEBYTECODE

PORT ?= 8501
# Processes that the tests are spread over; each may run a server and a browser of its own (3 GB).
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal
CHROMIUM := $(firstword $(wildcard /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome))

.PHONY: app test quick test-all check format example pictures clean

app: $(STAMP)
	$(BIN)/streamlit run app.py --server.port $(PORT)

# All tests but the long sweeps.
test: $(STAMP) chromium
	$(PYTEST)

# Without a browser, and without tests whose cases take two seconds or more together.
quick: $(STAMP)
	$(PYTEST) -m "not browser and not long"

test-all: $(STAMP) chromium
	$(PYTEST) --slow

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: chromium
chromium:
ifeq ($(CHROMIUM),)
	if [ "$$(id -u)" = 0 ]; then apt-get update -q && apt-get install -y -q chromium; \
	else sudo apt-get update -q && sudo apt-get install -y -q chromium; fi
endif

example: $(STAMP)
	$(BIN)/python assets/make_faces.py
	$(BIN)/python assets/make_reviews.py

# The images of README, from the real app.
pictures: $(STAMP) chromium
	$(BIN)/python docs/make_pictures.py
	$(BIN)/python docs/make_loop.py

$(STAMP):
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --no-deps --editable .
	rm -f $(VENV)/.installed-*
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
