# `make` lists the targets. Everything needs Go; the tests need gcc too, for the race detector.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
# ./... leaves out names that start with a dot.
PACKAGES := ./... ./.ci/check ./.ci/bench/... ./.ci/measure ./.ci/soak ./.ci/watch ./.ci/hostile/... ./.ci/fuzz ./.ci/supply ./.ci/browser

# These start no goroutine, nor do their tests: there is nothing in them to race, and they are tested without the
# detector, which takes eight times as long. make check sees to it that it stays so. What servers and clients do with
# them from many goroutines is tested with the detector, in server and clients/client.
SINGLE := ./protocol ./protocol/schema ./world/replay ./world/snapshot ./clients/replica ./server/replicate ./examples/arena
# These of ./server are left to a run of their own, without the detector.
PLAIN_ONLY := awk '/^func Test/ { split($$2, name, "(") } /^\tplainOnly\(t\)/ { print name[1] }' server/*_test.go | paste -sd '|'
# go vet is a part of make check; the few rules of it that go test has are not asked once more.
GO_TEST := go test -vet=off -shuffle=on

# How long each fuzz target runs, and which: make fuzz TIME=30s FUZZ='State|Input'
TIME = 2m
FUZZ =
FUZZ_TIME ?= $(TIME)
# What datagrams are made of is fuzzed by make test, too, for a moment; the seeds of all targets are tests anyway.
FUZZ_SHORT = (State|Input|ParseRow|Replica)$$

# How long make soak lets bots come and go, and how many of them: make soak TIME=30m BOTS=200
SOAK_TIME = $(if $(filter file,$(origin TIME)),5m,$(TIME))
BOTS = 200

# How many networks make sim plays on, or which one alone: make sim SEED=17
SEEDS = 2000
SEED =

.PHONY: help run test check ts browser fresh bench watch soak microbench fuzz sim hostile generate go tools

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: go ## serve the arena, with 16 bots in it, until Ctrl-C
	@echo "building; the first time takes a minute"
	@go build -o bin/quicstep ./server/cmd/quicstep
	@exec bin/quicstep serve --game arena --bots 16 --debug-addr 127.0.0.1:6060

test: tools check ## everything that must pass: check, tests under the race detector, long seeds, a short fuzz
	@echo "== tests, with the race detector"
	CGO_ENABLED=1 $(GO_TEST) -race $$(go list ./... | grep -v -x -F "$$(go list $(SINGLE))")
	@echo "== tests of what has no goroutines; long seeds of the simulation, and figures over minutes"
	$(GO_TEST) $(SINGLE)
	$(GO_TEST) -run "^(TestSimulation|$$($(PLAIN_ONLY)))$$" ./server
	@echo "== tests of .ci"
	$(GO_TEST) ./.ci/check ./.ci/measure ./.ci/hostile/... ./.ci/fuzz ./.ci/supply ./.ci/bench/... ./.ci/soak ./.ci/watch
	go -C .ci/bundle test -vet=off -shuffle=on .
	@$(MAKE) --no-print-directory ts
	@$(MAKE) --no-print-directory browser
	@command -v promtool >/dev/null && command -v prometheus >/dev/null || { \
		echo "!! ====================================================================="; \
		echo "!! SKIPPED: metrics and alert rules were not checked by Prometheus itself"; \
		echo "!! apt-get install prometheus"; \
		echo "!! ====================================================================="; }
	@missing=; for tool in tmux zsh fish; do command -v $$tool >/dev/null || missing="$$missing $$tool"; done; \
	[ -z "$$missing" ] || { \
		echo "!! ====================================================================="; \
		echo "!! SKIPPED: the console's screen (tmux) or completion (zsh, fish) was not tried where it is used"; \
		echo "!! apt-get install$$missing"; \
		echo "!! ====================================================================="; }
	@echo "== a short fuzz"
	@$(MAKE) --no-print-directory fuzz FUZZ_TIME=1s FUZZ='$(FUZZ_SHORT)'
	@echo "== all passed"

check: ## formatting, vet, staticcheck, the rules of .ci/check, go.mod, dependencies and their licences
	@echo "== gofmt"
	@list=$$(gofmt -l .) || exit 1; \
	if [ -n "$$list" ]; then echo "not formatted, run gofmt -w on:"; echo "$$list"; exit 1; fi
	@echo "== go vet"
	go vet $(PACKAGES)
	@echo "== staticcheck"
	go run $(STATICCHECK) $(PACKAGES)
	@echo "== floors, lengths, comments"
	go run ./.ci/check
	@echo "== what is tested without the race detector starts no goroutine"
	@! grep -nE '^[[:space:]]*go [[:alpha:]]' $(addsuffix /*.go,$(SINGLE))
	@echo "== go.mod is tidy"
	go mod tidy -diff
	@echo "== docs/dependencies.md and docs/licences.md; known vulnerabilities"
	go run ./.ci/supply
	@go run ./.ci/supply -vulnerabilities
	@echo "== the same of .ci/bundle, a module of its own"
	go -C .ci/bundle vet .
	cd .ci/bundle && go run $(STATICCHECK) .
	go -C .ci/bundle mod tidy -diff
	@echo "== golden files and the document's examples are what the code writes"
	go test -run 'Golden|Document' ./protocol

# NODE_NEEDED=1 makes a machine without Node.js fail.
ts: ## types and tests of clients/ts, where there is Node.js 18 or later; otherwise it says that it left them out
	@if command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null; then \
		set -e; cd clients/ts; \
		echo "== clients/ts: packages"; \
		[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --silent; \
		echo "== clients/ts: types and tests"; npm test --silent; \
	elif [ -n "$$NODE_NEEDED" ]; then \
		echo "node 18 or npm is missing: apt-get install nodejs npm" >&2; exit 1; \
	else \
		echo "!! ====================================================================="; \
		echo "!! SKIPPED: clients/ts is not tested, node 18 or npm is missing"; \
		echo "!! apt-get install nodejs npm"; \
		echo "!! ====================================================================="; \
	fi

# BROWSER_NEEDED=1 makes a machine without Chromium fail; BROWSER_SECONDS is for how long the pages play.
browser: go ## the arena's page in Chromium against a server, where there are both and Node.js; leaves screenshots in bin/browser
	@browser=$${CHROMIUM:-$$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}; \
	if [ -z "$$browser" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "== chromium is missing and is installed"; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 || true; \
		browser=$$(command -v chromium || true); \
	fi; \
	if [ -n "$$browser" ] && command -v npm >/dev/null; then \
		set -e; \
		(cd clients/ts; [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --silent); \
		mkdir -p bin/browser; \
		echo "== the page in $$browser; screenshots are left in bin/browser"; \
		CHROMIUM="$$browser" $(GO_TEST) -count=1 -v ./.ci/browser; \
	elif [ -n "$$BROWSER_NEEDED" ]; then \
		echo "chromium or npm is missing: apt-get install chromium nodejs npm" >&2; exit 1; \
	else \
		echo "!! ====================================================================="; \
		echo "!! SKIPPED: the page is not tested in a browser, chromium or npm is missing"; \
		echo "!! apt-get install chromium nodejs npm"; \
		echo "!! ====================================================================="; \
	fi

# CHROMIUM names the browser, where it is none of the usual ones.
fresh: go ## what README.md says of a game of your own in the browser, done and played in Chromium; takes minutes
	@command -v npm >/dev/null || { echo "npm is missing: apt-get install nodejs npm"; exit 1; }
	@cd clients/ts && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --silent; }
	@node clients/ts/e2e/fresh.mjs

# What it measures comes from the environment: BENCH_CLIENTS=200,500 BENCH_SECONDS=10 BENCH_ROUNDS=3 make bench.
# .ci/bench/main.go lists it all. Only a run that leaves nothing out replaces the figures in docs, unless BENCH_DOCS
# names a folder.
bench: go ## quicstep against a bare quic-go server; writes docs/benchmarks.md (BENCH_CLIENTS=200,500 and others shorten it)
	@echo "building"
	@mkdir -p bin
	@go build -buildvcs=false -o bin/bench ./.ci/bench
	@exec bin/bench

# WATCH_ROUNDS=1 WATCH_SECONDS=3 make watch takes less; .ci/watch/main.go lists it all. Only a run that leaves nothing out
# replaces the page in docs, unless WATCH_DOCS names a folder.
watch: go ## what somebody who watches costs a server with 100 bots in 20 rooms; writes docs/watching.md (WATCH_ROUNDS and WATCH_SECONDS shorten it)
	@echo "building"
	@mkdir -p bin
	@go build -buildvcs=false -o bin/watch ./.ci/watch
	@exec bin/watch

# What it does comes from the environment: HOSTILE_ATTACKS=garbage,joins HOSTILE_SECONDS=2 HOSTILE_ROUNDS=1 make hostile.
# .ci/hostile/main.go lists it all. Only a run that leaves nothing out replaces the table in docs/security.md.
hostile: go ## attacks on a server with honest players; writes their table in docs/security.md (HOSTILE_ATTACKS and others shorten it)
	@echo "building"
	@mkdir -p bin
	@go build -buildvcs=false -o bin/hostile ./.ci/hostile
	@exec bin/hostile

# SOAK is for more: SOAK="-seed 17 -stint 5s"; bin/soak/soak -help lists it.
soak: go ## BOTS (200) that come and go on a server for TIME (5m): what it holds at the end is what it held at the start
	@echo "building"
	@mkdir -p bin/soak
	@go build -o bin/quicstep ./server/cmd/quicstep
	@go build -o bin/soak/soak ./.ci/soak
	@exec bin/soak/soak -time $(SOAK_TIME) -bots $(BOTS) $(SOAK)

microbench: ## every Go benchmark, with allocations
	go test -run '^$$' -bench . -benchmem ./...

# It goes on from what earlier runs have found, which is kept below GOCACHE/fuzz; .ci/fuzz/main.go says how.
fuzz: go ## run the fuzz targets for TIME (2m) each, or those that FUZZ names: make fuzz TIME=20m FUZZ='State|Input'
	@go run ./.ci/fuzz -time $(FUZZ_TIME) $(if $(FUZZ),-match '$(FUZZ)')

sim: ## the server and its clients on SEEDS (2000) simulated networks, and the rules on 5000; or on that of one SEED
	@set -o pipefail; go test -timeout 60m -run TestSimulation -v ./server -args $(if $(SEED),-sim.seed $(SEED),-sim.seeds $(SEEDS)) | grep -v -E '^ *(=== |[a-z_]+_test.go:[0-9]+: seed [0-9]+$$)'
	@[ -n "$(SEED)" ] || go test -timeout 60m -run TestPropertySeedsConverge ./server/replicate -args -property.seeds 5000

generate: ## write the golden files and the arena's page anew; commit only what you can explain
	@dirs=$$(grep -rlE --include='*_test.go' 'flag\.Bool(Var)?\(.*"update"' . | sed 's|/[^/]*$$||' | sort -u); \
	for dir in $$dirs; do echo "go test $$dir -update"; go test "$$dir" -update || exit 1; done
	go -C .ci/bundle run .
	go run ./.ci/supply -update

tools: ## say which of the tools is missing, and how to get it
	@missing=0; \
	need() { command -v "$$1" >/dev/null || { echo "$$1 is missing: $$2"; missing=1; }; }; \
	need go "install Go $$(sed -n 's/^go //p' go.mod) or later from https://go.dev/dl/ and put its bin folder on PATH"; \
	need gofmt "it comes with Go; put the bin folder of Go on PATH"; \
	need git "apt-get install git, dnf install git or brew install git"; \
	need gcc "apt-get install gcc libc6-dev, dnf install gcc, or xcode-select --install (the race detector needs it)"; \
	exit $$missing

go:
	@command -v go >/dev/null || { echo "go is missing: install Go $$(sed -n 's/^go //p' go.mod) or later from https://go.dev/dl/ and put its bin folder on PATH"; exit 1; }
