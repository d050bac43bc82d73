/* SPDX-License-Identifier: MIT
 *
 * idle CONNECTIONS POOL-SIZE ENDPOINT: makes connections that do nothing, prints "ready", and keeps them until its input ends.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include "harness.h"
#include "peer.h"

int main(int argc, char **argv)
{
	struct rlimit files;
	struct peer peer;
	char end;

	if (argc != 4 || atol(argv[1]) < 1 || atol(argv[2]) < 1) {
		fprintf(stderr, "usage: idle CONNECTIONS POOL-SIZE ENDPOINT\n");
		return 2;
	}
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		die("setrlimit", errno);
	for (long i = atol(argv[1]); i > 0; i--)
		peer_open(&peer, argv[3], strtoul(argv[2], NULL, 10), 0);
	puts("ready");
	fflush(stdout);
	while (read(0, &end, 1) > 0)
		;
	return 0;
}
