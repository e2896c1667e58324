$(call program,rig/inject,tests/rig/inject.c,firmware,-lseccomp)
$(call program,rig/child,tests/rig/child.c,firmware,)
