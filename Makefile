# Every target brings its own Node and packages (tools/dev/env.sh), so a clone needs only npm and make.

RUN := tools/dev/env.sh
ARGS ?=
CYCLES ?= 20
SEEDS ?= 500
SEED_START ?= 1
MINUTES ?= 10
SEED ?=
MUTANT ?=

WEB_PAGE := dist/web/index.html
WEB_SOURCES = $(shell find tools/web tools/sdk proto/gen -type f ! -name '*.test.ts') package-lock.json

define need_go
@command -v go >/dev/null 2>&1 || \
	{ echo 'starling: error: `make $@` needs Go on PATH (https://go.dev/dl)' >&2; exit 1; }
endef

.DEFAULT_GOAL := help
.NOTPARALLEL:

.PHONY: help
help: ## This list
	@echo 'Starling: make TARGET'
	@echo
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(WEB_PAGE) ## Run a node with the chat page; ARGS=--check sends, verifies and ends
	@$(RUN) node tools/cli/main.ts dev $(ARGS)

.PHONY: test
test: ## Everything that has to hold, benchmarks apart; ends with `N passed, N failed`
	@$(RUN) node tools/dev/test.ts $(ARGS)

.PHONY: check
check: ## Format, lint, types, contracts, boundaries, dead code, unit tests: under a minute
	@$(RUN) node tools/dev/check.ts $(ARGS)

.PHONY: e2e
e2e: $(WEB_PAGE) ## Chat in a real Chromium; screenshots in out/e2e/
	@tools/dev/chromium.sh
	@$(RUN) node tools/e2e/main.ts $(ARGS)

.PHONY: conformance
conformance: ## The public conformance suite of gRPC and gRPC-web against our edge (needs Go)
	$(need_go)
	@$(RUN) node tools/conformance/main.ts $(ARGS)

.PHONY: interop
interop: ## grpcurl and the official grpc-web client against a node (needs Go)
	$(need_go)
	@$(RUN) node tools/interop/main.ts $(ARGS)

.PHONY: crash
crash: ## Kill a node under load CYCLES times (20) and look for lost or doubled messages
	@$(RUN) node tools/load/crash.ts --cycles $(CYCLES) $(ARGS)

.PHONY: model
model: ## Search the safety protocol's models for every state, and refute their mutants (needs spin and gcc; 8 minutes)
	@$(RUN) node tools/model/main.ts --json out/model.json $(ARGS)

.PHONY: import-demo
import-demo: ## Import 20,000 messages, export them, compare
	@$(RUN) node tools/load/import-demo.ts $(ARGS)

.PHONY: bench
bench: ## Measure; results in out/bench.json
	@$(RUN) node tools/load/bench.ts $(ARGS)

.PHONY: bench-runtime
bench-runtime: ## Measure the actor runtime alone; results in out/bench-runtime.json
	@$(RUN) node tools/load/bench-runtime.ts $(ARGS)

.PHONY: cluster
cluster: $(WEB_PAGE) ## Three nodes, nats-server, Cassandra and the chat page on this machine (needs Go, JDK 17, Maven); ARGS=--check
	@$(RUN) node tools/dev/cluster.ts $(ARGS)

.PHONY: chaos
chaos: ## MINUTES (10) of faults from SEED on three nodes and three Cassandra nodes under load; MUTANT=NAME must be found
	@$(RUN) node tools/load/chaos.ts --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(if $(MUTANT),--mutant $(MUTANT)) $(ARGS)

.PHONY: bench-failover
bench-failover: ## Measure how long people wait when nodes are killed, drained and restarted; results in out/bench-failover.json
	@$(RUN) node tools/load/bench-failover.ts $(ARGS)

.PHONY: bench-cluster
bench-cluster: ## Measure what goes between nodes; results in out/bench-cluster.json (needs nats-server or Go)
	@$(RUN) node tools/load/bench-cluster.ts $(ARGS)

.PHONY: sim
sim: ## SEEDS (500) random histories of a whole cluster from SEED_START (1), checked against the invariants
	@$(RUN) node tools/sim/main.ts --seeds $(SEEDS) --start $(SEED_START) $(ARGS)

.PHONY: sim-mutants
sim-mutants: ## Known faults put into the product, one at a time: every one must be caught
	@$(RUN) node tools/sim/mutate-main.ts $(ARGS)

.PHONY: package
package: $(WEB_PAGE) ## What other repositories install: dist/starling-VERSION.tgz
	@$(RUN) node tools/dev/package.ts $(ARGS)

.PHONY: fmt
fmt: ## Format code and contracts
	@$(RUN) biome check --write .
	@$(RUN) buf format --write --path proto/starling

.PHONY: gen
gen: ## Generate code from the contracts
	@$(RUN) buf lint
	@for template in buf.gen.yaml $(wildcard tools/*/buf.gen.yaml tools/examples/*/buf.gen.yaml); do \
		$(RUN) buf generate --template $$template || exit 1; \
	done

.PHONY: clean
clean: ## Remove what was built or measured: out/ and dist/
	rm -rf out dist

$(WEB_PAGE): $(WEB_SOURCES)
	@$(RUN) vite build --config tools/web/vite.config.ts --logLevel warn
	@touch $@
