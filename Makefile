.DEFAULT_GOAL := help
.PHONY: help run build generate check test conformance bench soak chaos web fuzz

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# In a terminal the server is a separate job, so that Ctrl-C reaches it alone and make ends as it does.
run: ## Run the server from source. Settings come from the environment and .env files.
	go build -o bin/elizad ./cmd/elizad
	@if [ -t 0 ]; then set -m; fi; bin/elizad; exit $$?

build: ## Build the static binary bin/elizad.
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o bin/elizad ./cmd/elizad

generate: ## Write the generated code again, from api/ and queries/.
	go generate ./...

check: ## The inner loop: formatting, vet, staticcheck and the quick tests.
	go run ./cmd/internal/ci check

test: ## Everything, on a fresh machine too: installs what is missing, and ends in "N passed, N failed".
	go run ./cmd/internal/ci test

conformance: ## Run the suites of the Engine.IO and Socket.IO protocols, and those of the clients, against our server.
	@test -d server/internal/e2e/js/node_modules/socket.io-client-v3 || npm ci --prefix server/internal/e2e/js
	go test -count=1 -v ./server/socketio/internal/conformance

bench: ## Measure start, memory, endurance, throughput and growth of the real binary.
	go run ./server/internal/bench

soak: ## Let 2,000 sockets come, talk, drop and come back for two minutes, and count what is left of them.
	go test -race -count=1 -timeout=15m -v -run '^TestSoak$$' ./server/socketio -soak=2m -soak.clients=2000

chaos: ## Kill, suspend, fill, damage and cut off a server under load, again and again, and check what it promised.
	go test -count=1 -timeout=60m -v ./server/internal/chaos -chaos=10

web: ## Build the web UI into server/internal/web/dist, which is committed.
	npm ci --no-audit --no-fund --prefix server/internal/web/ui && npm run build --prefix server/internal/web/ui

fuzz: ## Run every fuzz target for a minute; the tests run their seeds only.
	go run ./cmd/internal/ci fuzz
