/* The model of the stick: see README.md. The C preprocessor makes it whole (model.mk). */
#include "model/names.h"
#include "tests/model/launcher.pml"
#include "tests/model/claims.pml"
#include "tests/model/world.pml"
