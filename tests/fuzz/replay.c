/*
 * replay - run a fuzz harness over its corpus, tests/fuzz/corpus/NAME, as a TAP test; NAME is this program's own name
 * behind "fuzz_". With arguments, over those files instead: a crash that a fuzzer found.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX_BYTES = 1 << 20 };

static void replay(int number, const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *all = malloc(INPUT_MAX_BYTES);
	size_t size = file && all ? fread(all, 1, INPUT_MAX_BYTES, file) : 0;
	/* exactly as large as the input, so that the address sanitizer sees a read behind it */
	uint8_t *input = malloc(size ? size : 1);
	if (input && size > 0)
		memcpy(input, all, size);
	int good = file && input && LLVMFuzzerTestOneInput(input, size) == 0;
	printf("%s %d - %s\n", good ? "ok" : "not ok", number, path);
	free(input);
	free(all);
	if (file)
		fclose(file);
}

static int visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static int replay_corpus(const char *program)
{
	char directory[256];
	const char *name = strstr(program, "fuzz_");
	snprintf(directory, sizeof directory, "tests/fuzz/corpus/%s", name ? name + strlen("fuzz_") : program);
	struct dirent **entries = NULL;
	int count = scandir(directory, &entries, visible, alphasort);
	if (count <= 0) {
		printf("1..1\nnot ok 1 - %s has inputs\n", directory);
		return 1;
	}
	printf("1..%d\n", count);
	for (int i = 0; i < count; i++) {
		char path[512];
		snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
		replay(i + 1, path);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 1)
		return replay_corpus(argv[0]);
	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++)
		replay(i, argv[i]);
	return 0;
}
