# squash-broker. The filters of the sandboxes are made at build time, by a program of this machine's architecture.
BROKER_SOURCES := $(filter-out broker/seccomp-gen.c,$(wildcard broker/*.c))
BROKER_HEADERS := $(wildcard broker/*.h)
BROKER_OBJECTS := $(BROKER_SOURCES:%.c=$(OUT)/%.o)

all: $(OUT)/squash-broker

$(OUT)/seccomp-gen: broker/seccomp-gen.c broker/seccomp-list.h
	@mkdir -p $(@D)
	$(CC) -O1 -Wall -Wextra -Werror -D_GNU_SOURCE -o $@ $< -lseccomp

$(OUT)/generated/seccomp-filter.h: $(OUT)/seccomp-gen
	@mkdir -p $(@D)
	$< > $@.new
	mv $@.new $@

$(OUT)/broker/%.o: broker/%.c $(BROKER_HEADERS) $(OUT)/generated/seccomp-filter.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -I$(OUT)/generated -c -o $@ $<

$(OUT)/squash-broker: $(BROKER_OBJECTS)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@.debug $^
	strip -o $@.new $@.debug
	mv $@.new $@

# Everything but main(), for the tests and the fuzzer: both run under the sanitizers.
BROKER_LIBRARY := $(filter-out broker/main.c,$(BROKER_SOURCES))
BROKER_TESTS := $(wildcard broker/test/*.c)
comma := ,
BROKER_SANITIZED := $(subst fuzzer$(comma),,$(FUZZ_CFLAGS)) -I$(OUT)/generated

$(OUT)/test/broker-units: $(BROKER_TESTS) $(wildcard broker/test/*.h) $(BROKER_LIBRARY) $(BROKER_HEADERS) $(OUT)/generated/seccomp-filter.h
	@mkdir -p $(@D)
	$(FUZZ_CC) $(BROKER_SANITIZED) -Wl,--wrap=request_handle -o $@ $(BROKER_TESTS) $(BROKER_LIBRARY)

# The whole program under the sanitizers, for the integration tests.
$(OUT)/test/squash-broker-sanitized: $(BROKER_SOURCES) $(BROKER_HEADERS) $(OUT)/generated/seccomp-filter.h
	@mkdir -p $(@D)
	$(FUZZ_CC) $(BROKER_SANITIZED) -o $@ $(BROKER_SOURCES)

.PHONY: check-broker test-broker
test-broker: $(OUT)/test/squash-broker-sanitized
check: check-broker
check-broker: $(OUT)/test/broker-units
	$< vectors/broker.txt

# A hostile daemon: `make fuzz-broker FRAMES=1000000 SEED=7` runs it, as root. Nothing that it does outlives it.
FRAMES := 100000
SEED := 0
BROKER_FUZZ := $(wildcard fuzz/broker-*.c)
BROKER_FAKES := say fork kill pidfd_send_signal request_handle make_ext4 cgroup_freeze image_mount restack capture worker_start

$(FUZZ_OUT)/broker-fuzz: $(BROKER_FUZZ) $(wildcard fuzz/broker-*.h) $(BROKER_LIBRARY) $(BROKER_HEADERS) $(OUT)/generated/seccomp-filter.h
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -I$(OUT)/generated $(BROKER_FAKES:%=-Wl,--wrap=%) -o $@ $(BROKER_FUZZ) $(BROKER_LIBRARY)

.PHONY: fuzz-broker
fuzz-broker: $(FUZZ_OUT)/broker-fuzz
	SQUASH_FUZZ_FRAMES=$(FRAMES) $< -seed=$(SEED) -max_len=16384 -print_final_stats=1 -artifact_prefix=$(FUZZ_OUT)/
