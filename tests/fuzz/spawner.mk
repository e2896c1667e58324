$(call fuzz,spawner,tests/fuzz/still.c firmware/lib/buf.c,)
