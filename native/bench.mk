# What script/bench measures other programs with.
bench: $(OUT)/bench/run-timer
$(OUT)/bench/%: bench/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $<
.PHONY: bench
