/*
 * suffix - public suffixes: names under which anybody may register, so that nobody speaks for all that is below.
 *
 * The list of publicsuffix.org as Debian's package publicsuffix has it, both sections (ICANN's and private ones),
 * compiled in: no file is read. A name that no rule is for is one if it is a single label.
 */
#ifndef WHITELIST_SUFFIX_H
#define WHITELIST_SUFFIX_H

#include <stdbool.h>

/* `domain` in lower-case A-labels. */
bool suffix_is_public(const char *domain);

#endif
