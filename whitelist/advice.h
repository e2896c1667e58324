/* advice - what to write instead of what is wrong, for whoever wrote it. */
#ifndef WHITELIST_ADVICE_H
#define WHITELIST_ADVICE_H

#include "whitelist/place.h"

/* One clause in the imperative, from what is there if it can be guessed from that, else by example. "": nothing to add.
 */
void advice_write(const struct place *at, enum whitelist_error error, char advice[WHITELIST_ADVICE_BYTES]);

#endif
