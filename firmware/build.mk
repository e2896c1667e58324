include $(wildcard firmware/lib/*.mk firmware/boot/*.mk)
