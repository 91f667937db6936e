# `make help` lists the targets.

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
ACTIONLINT  = github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0
FUZZTIME    = 30s
BENCHCOUNT  = 1
NAMES       = 10000
SEED        = 1
SOAK        = 1h
TIME        = 1h
RACING      = TestReload|TestCache|TestRewrite|TestCrowd|TestServe|TestHostile|TestFlapping|TestNeighbours/dns64|TestPrivate

# CoreDNS takes minutes to compile with the race detector, and cmd/coredns has
# no concurrent code of its own.
WITHOUT_RACE = ./cmd/coredns
WITH_RACE    = $(filter-out %/cmd/coredns,$(shell go list ./...))

# CoreDNS as it is shipped: docs/performance.md, "CoreDNS's cache counts its entries".
SHIPPED = -modfile=bin/coredns.mod

.DEFAULT_GOAL := build
.PHONY: help build run test lint generate integration race recipe attacks fuzz bench differential soak worlds faults cluster release test386 helm vulncheck clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: bin/coredns.mod ## bin/coredns, bin/dnssecval
	go build $(SHIPPED) -o bin/coredns ./cmd/coredns
	go build -o bin/dnssecval ./cmd/dnssecval

# It depends on the module cache and on the vendor directory too, so it always runs.
.PHONY: bin/coredns.mod
bin/coredns.mod:
	@GOOS= GOARCH= go run ./cmd/modfile $@

run: build ## the demo on 127.0.0.1:1053; UPSTREAM=9.9.9.9 forwards to a real resolver
	go build -o bin/demo ./cmd/demo
	@bin/demo -coredns bin/coredns $(if $(UPSTREAM),-upstream $(UPSTREAM))

test: build ## vet, and all tests, with the race detector; CoreDNS's tests of its cache
	go vet ./...
	go test -race $(SHIPPED) -timeout 5m github.com/coredns/coredns/plugin/pkg/cache github.com/coredns/coredns/plugin/cache
	go test -timeout 5m $(WITHOUT_RACE)
	DNSSECVAL_COREDNS=$(CURDIR)/bin/coredns go test -race -timeout 10m $(WITH_RACE)

lint: ## formatting, staticcheck, lengths, workflows
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "gofmt: $$unformatted"; exit 1; }
	go vet -tags integration ./test/...
	go run $(STATICCHECK) ./...
	go run $(STATICCHECK) -tags integration ./test/...
	go run $(ACTIONLINT) -shellcheck= -pyflakes= .github/workflows/*.yml
	go test ./test/house
	cd deploy/test && go vet ./...
	cd deploy/release && go vet ./... && go run $(STATICCHECK) ./... && go test ./...
	cd deploy/helm/test && go vet ./...
	cd test/cluster && GOOS=linux go vet ./...

generate: ## cmd/coredns/zplugin.go from plugin.cfg, the table in docs/troubleshooting.md
	go generate ./...

integration: build ## comparisons with Unbound and BIND, Prometheus and Chromium, short differential and soak
	test/scripts/install-integration.sh
	go test -tags integration -count=1 -timeout 5m ./test/integration
	$(MAKE) differential NAMES=1500
	$(MAKE) soak SOAK=1m
	cd deploy/test && DNSSECVAL_COREDNS=$(CURDIR)/bin/coredns go test -short -count=1 -timeout 20m ./...

race: bin/coredns.mod ## a CoreDNS built with the race detector under load, reloads and refreshes
	go build -race $(SHIPPED) -o bin/coredns-race ./test/race
	DNSSECVAL_COREDNS=$(CURDIR)/bin/coredns-race go test -count=1 -timeout 5m ./test/real -run '$(RACING)'

cluster: bin/coredns.mod ## the manifests in a Kubernetes cluster of one node; Linux, root; compiles Kubernetes the first time
	test/scripts/install-cluster.sh
	CGO_ENABLED=0 go build $(SHIPPED) -trimpath -o bin/cluster/coredns ./cmd/coredns
	CGO_ENABLED=0 go build -trimpath -o bin/cluster/stock ./test/stock
	cd test/cluster && go tool controller-gen crd paths=github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1 output:dir=$(CURDIR)/bin/cluster/crds
	cd test/cluster && DNSSECVAL_CLUSTER_PROGRAMS=$$(../scripts/install-cluster.sh -n) DNSSECVAL_CLUSTER_CRDS=$(CURDIR)/bin/cluster/crds \
		DNSSECVAL_CLUSTER_COREDNS=$(CURDIR)/bin/cluster/coredns DNSSECVAL_CLUSTER_STOCK=$(CURDIR)/bin/cluster/stock \
		DNSSECVAL_CLUSTER_LOGS=$(CURDIR)/bin/cluster/logs go test -count=1 -timeout 40m -v .

recipe: ## build CoreDNS in each way that the README describes
	test/scripts/recipe.sh

attacks: ## a table of the cost of each attack; two minutes
	go test -run '^$$' -bench '^BenchmarkAttacks$$' -benchtime 1x ./validator

fuzz: ## every fuzz target, for FUZZTIME each: four minutes on two processors
	test/scripts/fuzz.sh $(FUZZTIME)

bench: ## benchmarks; BENCHCOUNT=10 for benchstat
	go test -run '^$$' -bench . -benchtime 0.5s -count $(BENCHCOUNT) ./internal/coredns/cache ./internal/dnssec ./validator .

differential: build ## compare CoreDNS with Unbound and BIND on NAMES of random broken worlds; SEED selects them
	test/scripts/install-integration.sh
	go build -o bin/differential ./cmd/differential
	bin/differential -coredns bin/coredns -names $(NAMES) -seed $(SEED)

release: bin/coredns.mod ## archives, images, modules and sums of VERSION=v0.1.0 in dist; the same commit gives the same files
	rm -rf dist
	cd deploy/release && go run . -version "$(VERSION)" -out $(CURDIR)/dist

helm: ## render the CoreDNS project's Helm chart in CHART=DIR with the values of deploy/helm
	cd deploy/helm/test && DNSSECVAL_COREDNS_CHART="$(CHART)" go test -count=1 ./...

test386: ## the tests on a 32-bit platform, but for those that start all of CoreDNS
	GOARCH=386 CGO_ENABLED=0 go test -timeout 10m $(filter-out %/cmd/coredns %/test/real %/test/race %/test/stock,$(shell go list ./...))

soak: build ## load, faults, reloads and anchor swaps for SOAK, one hour
	go build -o bin/soak ./cmd/soak
	bin/soak -coredns bin/coredns -duration $(SOAK) -seed $(SEED)

worlds: ## judge assembled responses in small worlds for TIME, one hour; SEED selects the order
	go build -o bin/worlds ./cmd/worlds
	bin/worlds -time $(TIME) -seed $(SEED)

faults: ## seed faults into the proofs, and find each of them by make worlds; ten minutes
	go build -o bin/worlds ./cmd/worlds
	bin/worlds -faults -time 2m

vulncheck: ## dependencies in the Go vulnerability database; needs a network
	go run $(GOVULNCHECK) ./...

clean: ## remove what was built
	rm -rf bin dist
