$(call program,qmp,tests/e2e/qmp.c,,-ljansson)
