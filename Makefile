# Thin: everything is a script, because a fresh Debian may have no make.

.PHONY: demo test check lint release bench bench-policy random-cookies chaos fuzz nodeport-lab

demo:
	scripts/demo

test:
	scripts/test

check:
	scripts/check

lint:
	scripts/lint

release:
	scripts/build-release

# Example: make bench SCENARIO=s1,s5 PEERS=nginx,haproxy ROUNDS=3
SCENARIO ?= s1
PEERS ?= nginx,haproxy
ROUNDS ?= 5
bench: release
	Benchmarks/run --proxy .build/release/l7proxy --peers $(PEERS) --scenario $(SCENARIO) \
		--rounds $(ROUNDS)

# The cost of one affinity decision, without sockets.
bench-policy:
	swift run -c release --package-path Benchmarks/policy PolicyBenchmark

# None of so many forged cookies may verify. Example: make random-cookies COUNT=1000000
COUNT ?= 10000000
random-cookies:
	swift run -c release --package-path Benchmarks/policy RandomCookies $(COUNT)

# Kills, freezes, reloads and replaces under load; nginx and haproxy get the same.
chaos: release
	scripts/chaos

# Example: make fuzz TARGET=request-head SECONDS=60
SECONDS ?= 60
fuzz:
	scripts/fuzz $(TARGET) $(SECONDS)

# As root: it builds network namespaces.
nodeport-lab: release
	scripts/nodeport-lab
