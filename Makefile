# 'make' alone lists the targets. Every line here can be typed by hand as well.

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS  := -s -w -X main.version=$(VERSION)
BUILD    := CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$(LDFLAGS)"
FUZZTIME ?= 2m

.DEFAULT_GOAL := help
.PHONY: help image build demo demo-hf demo-kit test race interop flaps torture fuzz bench bench-hf bench-fmuc bench-codec bench-links lint arrows release image-check image-test image-drill clean

help: ## list the targets
	@echo "Longwire, an XMPP node for bad links. Targets:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 16

build: ## build bin/longwire, and bin/s5066d and bin/s5066con for HF, for this machine
	$(BUILD) -o bin/longwire ./firmware
	$(BUILD) -o bin/s5066d ./tools/s5066d
	$(BUILD) -o bin/s5066con ./tools/s5066con

kit-tools: ## build bin/mkbundle and bin/twin, which make keys and signed bundles for kits
	$(BUILD) -o bin/mkbundle ./tools/mkbundle
	$(BUILD) -o bin/twin ./tools/twin

demo: ## two nodes, a bad link and a conversation; then stays up for your own client (ONCE=1: ends)
	$(GO) run ./tools/demo $(if $(ONCE),-once)

demo-hf: ## the same over HF: RATE=75, 300 (default), 1200, 2400 or 9600; INTERLEAVER=short or long; SCALE=1: in real time, and stays up
	$(GO) run ./tools/demo -hf $(or $(RATE),300) -interleaver $(or $(INTERLEAVER),short) -scale $(or $(SCALE),0) $(if $(ONCE),-once)

demo-kit: ## two kits in virtual machines, set up by their sticks, that chat over simulated HF; then stays up for your own clients
	$(GO) run ./tools/imagetest -demo $(IMAGETEST)

test: ## vet and run all tests
	$(GO) vet ./...
	$(GO) test -shuffle=on ./...

race: ## all tests under the race detector
	$(GO) test -race -shuffle=on ./...

interop: ## let slixmpp, profanity and mellium chat and use rooms on two nodes, and Wireshark read what goes over HF (installs them from Debian's packages if it may)
	$(GO) run ./tools/interop $(INTEROP)

flaps: ## SatCom is cut and restored at random while messages flow, HF takes over, in simulated time: 500 scenarios
	$(GO) test ./links/steer -run TestFlaps -flaps 500 -timeout 60m

torture: ## kill nodes and cut the path at random, over IP and HF; each message must arrive exactly once (SEED=n repeats a run; TORTURE=-hf, -failover or -rooms)
	$(GO) run ./tools/torture $(if $(SEED),-seed $(SEED)) $(TORTURE)

fuzz: ## run each fuzz target for FUZZTIME (2m)
	@set -e; for dir in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
		for target in $$($(GO) test -list '^Fuzz' $$dir | grep '^Fuzz'); do \
			echo "== $$dir $$target, $(FUZZTIME)"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10s $$dir; \
		done; \
	done

bench: ## measure beside Prosody: messages a second, latency, memory
	$(GO) run ./tools/bench $(BENCH)

bench-hf: ## measure over simulated HF: line use, transmissions, seconds waited; fails when a goal is missed
	$(GO) run ./tools/airtime $(AIRTIME)

bench-fmuc: ## measure federated rooms over HF and IP beside rooms across the link; fails when a line crosses twice
	$(GO) run ./tools/airtime -only rooms,rooms-ip $(AIRTIME)

bench-codec: ## what stanzas cost, by method and kind, of traffic in FILE (.jsonl; default: a committed excerpt that nothing was trained on)
	$(GO) run ./tools/codec measure $(CODEC) $(or $(FILE),tools/codec/testdata/excerpt.jsonl)

bench-links: ## measure links under control: an hour of five real clients at 300 bit/s whole and folded, flashes behind a routine, radio silence; fails when a goal is missed
	$(GO) run ./tools/airtime -only folding,precedence,emcon $(AIRTIME)

lint: ## gofmt, vet, staticcheck, govulncheck
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	@echo '$(GO) tool govulncheck ./...'
	@out=$$($(GO) tool govulncheck ./... 2>&1); code=$$?; \
	case "$$code:$$out" in \
	0:*) echo "$$out" ;; \
	3:*) echo "$$out"; echo "govulncheck: vulnerabilities found, see above"; exit 1 ;; \
	*"fetching vulnerabilities"*) echo "govulncheck: NOT CHECKED: its database cannot be fetched from here; run 'make lint' with a network" ;; \
	*) echo "$$out"; echo "govulncheck: failed to run"; exit 1 ;; \
	esac

arrows: ## check who imports whom
	$(GO) run ./tools/arrows

release: ## static binaries for linux amd64, arm64 and arm v7 in build/
	GOOS=linux GOARCH=amd64 $(BUILD) -o build/longwire-linux-amd64 ./firmware
	GOOS=linux GOARCH=arm64 $(BUILD) -o build/longwire-linux-arm64 ./firmware
	GOOS=linux GOARCH=arm GOARM=7 $(BUILD) -o build/longwire-linux-armv7 ./firmware
	GOOS=linux GOARCH=amd64 $(BUILD) -o build/s5066d-linux-amd64 ./tools/s5066d
	GOOS=linux GOARCH=arm64 $(BUILD) -o build/s5066d-linux-arm64 ./tools/s5066d
	GOOS=linux GOARCH=arm GOARM=7 $(BUILD) -o build/s5066d-linux-armv7 ./tools/s5066d
	$(GO) run ./firmware codec snapshot build/codec.snapshot
	@ls -l build

image: ## the image of a kit: qemu-aarch64 (default) or qemu-armv7 from Debian's packages in build/image/BOARD; with BUILDROOT=dir any board, also rpi4 and bbb, by Buildroot in build/buildroot/BOARD (ORG_KEY=file: obeys only that organisation)
ifdef BUILDROOT
	VERSION=$(VERSION) $(GO) run ./tools/buildroot image -tree $(BUILDROOT) $(if $(ORG_KEY),-key $(ORG_KEY)) $(or $(BOARD),qemu-aarch64)
else
	$(GO) run ./tools/mkimage image $(or $(BOARD),qemu-aarch64) -version $(VERSION) $(if $(ORG_KEY),-key $(ORG_KEY)) $(MKIMAGE)
endif

image-check: ## prove that every board can be built with BUILDROOT=dir; LINUX=dir and UBOOT=dir (their sources) prove their configurations too
	$(GO) run ./tools/buildroot check -tree "$(BUILDROOT)" $(if $(LINUX),-linux $(LINUX)) $(if $(UBOOT),-uboot $(UBOOT))

image-test: ## two kits in virtual machines, from virgin disks and sticks to a chat over HF (BOARD=qemu-armv7: 32 bit); makes the image first
	$(GO) run ./tools/imagetest -board $(or $(BOARD),qemu-aarch64) $(IMAGETEST)

image-drill: ## for hours: updates, power cuts, hostile sticks, reset (DRILL='-part power -n 10 -seed 7')
	$(GO) run ./tools/imagetest -board $(or $(BOARD),qemu-aarch64) -drill $(DRILL)

clean: ## remove what was built
	rm -rf bin build
