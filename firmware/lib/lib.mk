$(call library,firmware,$(wildcard firmware/lib/*.c))
