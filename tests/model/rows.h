/*
 * Compiled into the model checker: which rows of states.def were taken, and, to test the claims, one row altered. A row
 * is named by its line in states.def. MUTANT="drop LINE", "action LINE N" or "next LINE N" in the environment.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROW_LINES_MAX = 512 };
static bool row_hit[ROW_LINES_MAX];

static void row_taken(int line) { row_hit[line] = true; }

static void rows_report(void)
{
	for (int line = 0; line < ROW_LINES_MAX; line++)
		if (row_hit[line])
			printf("row %d taken\n", line);
}

static void row_alter(short *dropped, short *acting, short *leading, unsigned char *altered)
{
	static bool begun;
	char what[16] = "";
	int line = 0, value = 0;
	const char *text = getenv("MUTANT");
	if (!begun)
		atexit(rows_report);
	begun = true;
	if (!text || sscanf(text, "%15s %d %d", what, &line, &value) < 2)
		return;
	*altered = (unsigned char)value;
	*(what[0] == 'd' ? dropped : what[0] == 'a' ? acting : leading) = (short)line;
}
