AGENT_SOURCES := $(wildcard agent/*.c tar/*.c)
AGENT_HEADERS := $(wildcard agent/*.h tar/*.h common/*.h)
AGENT_OBJECTS := $(AGENT_SOURCES:%.c=$(OUT)/%.o)
# Everything but main(), for the tests and the fuzzers.
AGENT_LIBRARY := $(filter-out agent/main.c,$(AGENT_SOURCES))
AGENT_FUZZERS := $(patsubst fuzz/%.c,$(FUZZ_OUT)/%,$(wildcard fuzz/agent-*.c))

all: $(OUT)/squash-agent

$(OUT)/agent/%.o: agent/%.c $(AGENT_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<

# Written into by the agent and by the packer.
$(OUT)/tar/%.o: tar/%.c $(wildcard tar/*.h)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<

# Symbols stay beside the program, not in it: every sandbox maps it.
$(OUT)/squash-agent: $(AGENT_OBJECTS)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@.debug $^
	strip -o $@.new $@.debug
	mv $@.new $@

$(OUT)/test/agent-vectors: agent/test/vectors.c $(AGENT_LIBRARY) $(AGENT_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ agent/test/vectors.c $(AGENT_LIBRARY)

$(OUT)/test/agent-launch: agent/test/launch.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $<

.PHONY: check-agent test-agent fuzz-agent
check: check-agent
check-agent: $(OUT)/test/agent-vectors
	$< vectors/agent.txt

# What the integration tests start.
test-agent: $(OUT)/squash-agent $(OUT)/test/agent-launch

# `make fuzz-agent RUNS=1000000 SEED=7`, as root. What is found new is kept beside the programs, not in the repository.
RUNS := 20000
SEED := 0
AGENT_FUZZ_FLAGS = -runs=$(RUNS) -seed=$(SEED) -print_final_stats=1 -artifact_prefix=$(FUZZ_OUT)/

fuzz-agent: $(AGENT_FUZZERS)
	fuzz/agent-corpus.sh vectors/agent.txt $(FUZZ_OUT)
	$(FUZZ_OUT)/agent-requests $(AGENT_FUZZ_FLAGS) -max_len=4096 $(FUZZ_OUT)/agent-requests.corpus
	$(FUZZ_OUT)/agent-tar-in $(AGENT_FUZZ_FLAGS) -max_len=16384 $(FUZZ_OUT)/agent-tar-in.corpus

$(FUZZ_OUT)/agent-%: fuzz/agent-%.c $(AGENT_LIBRARY) $(AGENT_HEADERS)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -o $@ $< $(AGENT_LIBRARY)
