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
