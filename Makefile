# Every target does its own set-up on Debian 12 with a Rust toolchain.
.DEFAULT_GOAL := help
SHELL := /bin/bash -euo pipefail

# Builds read the query data in .sqlx/ and need no database; only `make sqlx` and the lints ask one.
export SQLX_OFFLINE ?= true
# For the demo and the service: `make run ARGS="--config my.toml"`.
ARGS ?=

UI := src/web/ui
# The random cases of the tests are the same each time, so that a change is judged by what it changes.
export PROPTEST_RNG_SEED ?= 1
# cargo-nextest runs each test in its own process, in parallel; cargo test does the same work where it is not installed.
TEST := $(shell command -v cargo-nextest >/dev/null 2>&1 && echo "cargo nextest run --no-fail-fast" || echo "cargo test --lib --bins --tests --no-fail-fast --")

.PHONY: help
help: ## Show this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

.PHONY: demo
demo: setup ui ## Run everything with a demonstration town and a storm that replays
	cargo run --release --quiet -- demo $(ARGS)

.PHONY: run
run: setup ui ## Run the service
	cargo run --release --quiet -- serve $(ARGS)

.PHONY: test
test: setup-test ui ## Run every check
	trap 'scripts/test-db.sh stop' EXIT; $(MAKE) --no-print-directory checks
	@echo "make test: all checks passed"

.PHONY: checks
checks:
	cargo fmt --check
	scripts/sqlx-data.sh check cargo clippy --all-targets --quiet -- -D warnings
	$(MAKE) --no-print-directory rust-test
	$(MAKE) --no-print-directory check-operations
	tests/schemathesis.sh
	$(MAKE) --no-print-directory browser-test

.PHONY: rust-test
rust-test: ## Run the Rust tests (FILTER=name for some, PROPTEST_RNG_SEED=n for other random cases)
	# First by themselves: the compilers of this crate and of its tests side by side fill 20 GiB.
	cargo test --no-run --quiet --lib
	eval "$$(scripts/test-db.sh env)"; $(TEST) $(FILTER)

.PHONY: check-operations
check-operations: ## Hold the alert rules against their unit tests (promtool)
	scripts/check-operations.sh

.PHONY: browser-test
browser-test: ## Run the browser tests
	if [ -x tests/e2e/run.sh ]; then tests/e2e/run.sh; fi

.PHONY: attack
attack: setup-test ## Ask the API thousands of random questions, others each time (EXAMPLES=, SEED=)
	trap 'scripts/test-db.sh stop' EXIT; cargo build --quiet; tests/schemathesis.sh --long

.PHONY: faults
faults: setup-test ui ## Kill the service at named points and hold the accounts (KILLS=1000, SEED=1; goes on where it ended; FROM= plays again)
	cargo test --no-run --quiet --lib
	export TEST_DB=faults; trap 'scripts/test-db.sh stop' EXIT; eval "$$(scripts/test-db.sh env)"; \
	KILLS=$(KILLS) SEED=$(SEED) FROM=$(FROM) cargo test --quiet --test it -- --ignored --exact --nocapture faults::random::a_thousand_kills

.PHONY: faults-cluster
faults-cluster: setup-test ui ## Kill one of three processes each 20 s under load and hold the accounts (MINUTES=10, EVERY_S=20)
	cargo test --no-run --quiet --lib
	export TEST_DB=faults; trap 'scripts/test-db.sh stop' EXIT; eval "$$(scripts/test-db.sh env)"; \
	MINUTES=$(MINUTES) EVERY_S=$(EVERY_S) cargo test --quiet --test it -- --ignored --exact --nocapture faults::cluster::one_of_three_killed_each_twenty_seconds

.PHONY: fuzz
fuzz: ## Fuzz the parsers of outside bytes (TARGET=cap for one, SECONDS_EACH=60)
	scripts/fuzz.sh $(TARGET)

.PHONY: bench
bench: setup ui ## Measure, as ratios on this machine
	cargo build --release --quiet
	for what in engine ingest; do target/release/sentinela bench $$what $(ARGS); done

.PHONY: bench-devices
bench-devices: setup ui ## Ten thousand connected devices, kill -9, and their return with an hour of backlog (ARGS="--devices 1000")
	cargo build --release --quiet
	ulimit -n $$(ulimit -Hn); target/release/sentinela bench devices --storm $(ARGS)

.PHONY: bench-node-red
bench-node-red: setup-test ui ## The same load into Node-RED, and kill -9 of both
	cargo build --release --quiet
	scripts/bench-node-red.sh $(ARGS)

.PHONY: fmt
fmt: ## Format the code
	cargo fmt

.PHONY: sqlx
sqlx: setup ## Write the query data of .sqlx/ anew
	scripts/sqlx-data.sh write

.PHONY: ui
ui: $(UI)/dist/.built ## Build the pages' scripts and styles

$(UI)/node_modules/.installed: $(UI)/package-lock.json
	cd $(UI) && npm ci --no-audit --no-fund --loglevel=error
	touch $@

$(UI)/dist/.built: $(UI)/node_modules/.installed $(shell find $(UI) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)
	cd $(UI) && npm run --silent build
	touch $@

.PHONY: package
package: setup ui ## Make what is handed out: Debian package, bill of materials, licences, checksums (target/package/)
	scripts/package.sh

.PHONY: try-package
try-package: ## Try the Debian package of target/package/ on a clean Debian that runs systemd (as root)
	scripts/try-deb.sh "$$(ls -t target/package/sentinela_*.deb | head -1)"

.PHONY: setup
setup: ## Install what is missing to build and run
	@scripts/setup.sh run

.PHONY: setup-test
setup-test: ## Install what is missing to run every check
	@scripts/setup.sh test
	@tests/peers/setup.sh

.PHONY: clean
clean: ## Remove what was built, and the test database
	scripts/test-db.sh stop || true
	rm -rf target $(UI)/dist $(UI)/node_modules
