LAUNCHER_LIBS += -lseccomp
