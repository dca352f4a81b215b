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

.PHONY: check-broker
check: check-broker
check-broker: $(OUT)/test/broker-units
	$< vectors/broker.txt
