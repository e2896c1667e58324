# The enumerators that states.def speaks of, as the model's constants: #define STATE_START 0, ... It reads
# launcher/messages.h (enum stick_state) and launcher/states.h (enum stick_event, enum stick_action).
/^enum (stick_state|stick_event|stick_action) \{/ { inside = 1; value = 0; next }
inside && /^};/ { inside = 0; next }
inside && match($0, /^\t[A-Z][A-Z_]*/) { printf "#define %s %d\n", substr($0, 2, RLENGTH - 1), value++ }
