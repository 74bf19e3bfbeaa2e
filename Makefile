# handoff. `make help` says what there is.

GO        ?= go
BIN       := bin/handoff
MODULES   := pkg services/admission services/discharge services/referral services/notification services/console cmd/handoff
SERVICES  := admission discharge referral notification console
ARGS      ?=
FUZZTIME  ?= 30s
FAULTS_FOR  ?= 10m
FAULTS_SEED ?= 7
TRUTH_CASES ?= 10000
TRUTH_SEED  ?= 1
TESTFLAGS ?=
TEST      := $(GO) test -p 2 -timeout 15m $(TESTFLAGS)

# Pinned: the same source gets the same remarks on every machine.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOLANGCI    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
TEMPL       := github.com/a-h/templ/cmd/templ@v0.3.977

.DEFAULT_GOAL := help
.PHONY: help run build demo test build-each deploy-checks race fuzz chaos truth powercut bench linkage lint lint-all generate verify images up down screenshots corpus clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  ARGS="--http 127.0.0.1:9090" make run     passes flags on; bin/handoff --help lists them'

run: build ## Run everything, with a simulated hospital, for development (Ctrl-C stops it)
	@exec $(BIN) run --dev --demo $(ARGS)

build: ## Build the program; the first time takes minutes
	@test -x $(BIN) || echo 'Building handoff. The first time this takes some minutes; the packages are named as they are built.'
	@$(GO) build -v -o $(BIN) ./cmd/handoff

demo: build ## Run the simulated hospital alone, against a running handoff
	@exec $(BIN) demo $(ARGS)

test: ## Test all modules, and build each of them alone
	@$(TEST) work
	@$(MAKE) --no-print-directory build-each

build-each: ## Build each module without the others' sources in reach
	@for m in $(MODULES); do (cd $$m && GOWORK=off $(GO) build ./...) || { echo "$$m does not build alone"; exit 1; }; done
	@echo 'each module builds alone'

deploy-checks: ## Check docker-compose.yml, dashboards, alert rules
	@cd deploy/checks && GOWORK=off $(TEST) ./...

race: ## Test all modules with the race detector (slow)
	@$(TEST) -race work

fuzz: ## Fuzz each parser for FUZZTIME (30s)
	@for m in $(MODULES); do for p in $$(cd $$m && $(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p 2>/dev/null | grep '^Fuzz'); do \
	    echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$p || exit 1; \
	  done; done; done

chaos: ## Kill, stop and cut off parts under load for FAULTS_FOR (10m), then audit; FAULTS_SEED says which faults
	@FAULTS_FOR=$(FAULTS_FOR) FAULTS_SEED=$(FAULTS_SEED) $(GO) test -count=1 -run '^TestFaults' -timeout 40m -v ./cmd/handoff/internal/faults

truth: ## Tell TRUTH_CASES (10000) generated stays of TRUTH_SEED in any order, and compare what they end in
	@TRUTH_CASES=$(TRUTH_CASES) TRUTH_SEED=$(TRUTH_SEED) $(GO) test -count=1 -run '^TestAnyOrder' -timeout 60m -v ./cmd/handoff/internal/truth

powercut: ## Take from every disk what was not fsynced, start again, and audit (as root)
	@POWERCUT=1 $(GO) test -count=1 -run PowerCut -timeout 10m -v ./cmd/handoff/internal/faults

bench: build ## Measure this machine beside a bare program with the same durable duties
	@$(BIN) bench $(ARGS)

linkage: ## Link 100,000 made-up patients whose truth is known: how right, how fast (minutes)
	@$(GO) test -run '^$$' -bench Truth -benchtime 1x ./services/admission/internal/linkage
	@$(GO) test -run '^$$' -bench Identity -benchtime 1x -timeout 30m ./services/admission

lint: ## gofmt, go vet, staticcheck
	@unformatted=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l); test -z "$$unformatted" || { echo "not gofmt'd:"; echo "$$unformatted"; exit 1; }
	@$(GO) vet work
	@$(GO) run $(STATICCHECK) $(addsuffix /...,$(addprefix ./,$(MODULES)))

lint-all: lint ## What lint does, and golangci-lint (installing it takes minutes)
	@for m in $(MODULES); do (cd $$m && $(GO) run $(GOLANGCI) run ./...) || exit 1; done

generate: ## Write what is generated: the codec of facts, pages, their catalogue of texts, the contracts in docs/
	@$(GO) run ./pkg/events/internal/codecgen pkg/events
	@cd services/console && GOWORK=off $(GO) run $(TEMPL) generate -log-level error
	@$(GO) run ./services/console/internal/text/gather
	@$(GO) run ./cmd/handoff docs --out docs

verify: generate ## Fail if what is generated differs from what is committed
	@git diff --exit-code -- docs services/console pkg/events
	@untracked=$$(git ls-files -o --exclude-standard -- docs services/console/internal/page); test -z "$$untracked" || { echo "generated and not committed:"; echo "$$untracked"; exit 1; }

images: ## Build an image of each service, and of handoff
	@for s in $(SERVICES) handoff; do docker build -f deploy/Dockerfile --build-arg SERVICE=$$s -t handoff-$$s . || exit 1; done

up: ## Run the services apart, with docker compose
	@docker compose up --build $(ARGS)

down: ## Stop them
	@docker compose down

screenshots: ## Take the pictures of docs/images from the handoff that runs here (needs Chromium)
	@$(GO) run ./cmd/handoff/internal/pictures --out docs/images $(ARGS)

corpus: ## Read any folder of messages, send each, and say what became of it: CORPUS=dir make corpus
	@test -n "$(CORPUS)" || { echo 'CORPUS=dir make corpus'; exit 1; }
	@CORPUS=$(abspath $(CORPUS)) $(GO) test ./pkg/hl7 ./cmd/handoff/internal/truth -run '^TestCorpus$$' -count=1 -timeout 60m -v

clean: ## Take away what was built (not the data)
	@rm -rf bin
