/* unit - what every cmocka program here includes first. */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* after the four it needs: the blank line keeps it there */
#include <cmocka.h>

#endif
