$(call fuzz,starter,tests/fuzz/still.c,)
