$(call unit,states,tests/unit/states.c,launcher,)
