/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "parties.h"

struct party parties[KINDS] = {
	[KDBUSFS] = { .name = "kdbusfs" },
	[SECOND_BUS] = { .name = "second-bus" },
	[DBUS_DAEMON] = { .name = "dbus-daemon" },
	[DBUS_BROKER] = { .name = "dbus-broker" },
};

static int read_party(const char *argument)
{
	for (int kind = 0; kind < KINDS; kind++) {
		const size_t length = strlen(parties[kind].name);
		char *end;

		if (strncmp(argument, parties[kind].name, length) != 0 || argument[length] != ':')
			continue;
		parties[kind].process = strtol(argument + length + 1, &end, 10);
		parties[kind].path = end + 1;
		return parties[kind].process > 0 && *end == ':';
	}
	return 0;
}

int parties_read(int argc, char **argv)
{
	int option, rounds = 10, right = 1;

	while ((option = getopt(argc, argv, "r:")) != -1)
		rounds = option == 'r' ? atoi(optarg) : 0;
	for (int i = optind; i < argc; i++)
		right &= read_party(argv[i]);
	if (rounds < 1 || !right || optind == argc) {
		fprintf(stderr, "usage: %s [-r ROUNDS] KIND:PID:PATH...\n", argv[0]);
		exit(2);
	}
	return rounds;
}
