# squash-packer: reads what a sandbox has written, as an unprivileged child of the broker.
PACKER_SOURCES := $(wildcard packer/*.c tar/*.c)
PACKER_HEADERS := $(wildcard packer/*.h tar/*.h)
PACKER_OBJECTS := $(PACKER_SOURCES:%.c=$(OUT)/%.o)

all: $(OUT)/squash-packer

$(OUT)/packer/%.o: packer/%.c $(PACKER_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<

$(OUT)/squash-packer: $(PACKER_OBJECTS)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@.debug $^
	strip -o $@.new $@.debug
	mv $@.new $@
