/* SPDX-License-Identifier: MIT
 *
 * idle CONNECTIONS POOL-SIZE KIND:PID:PATH: makes connections that do nothing, and then matches that nothing fits, for who looks at the memory of
 * the broker meanwhile.
 *
 * Prints how many connections it made a second: open, HELLO, mmap and FREE, or connect, authentication and Hello. For each byte of input that
 * comes then it adds 10,000 matches, 250 on one connection at most, and prints how many these are and how many a second. It keeps all until its input ends.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "dbus.h"
#include "harness.h"
#include "parties.h"
#include "peer.h"
#include "topics.h"

enum { MATCHES = 10000, PER_CONNECTION = 250 };

static struct peer *peers;
static struct dbus *buses;

static void connect_all(long connections, size_t pool_size)
{
	const int on_bus = parties[KDBUSFS].path != NULL;
	const char *path = parties[on_bus ? KDBUSFS : parties[DBUS_DAEMON].path ? DBUS_DAEMON : DBUS_BROKER].path;

	peers = calloc(connections, sizeof(*peers));
	buses = calloc(connections, sizeof(*buses));
	if (!peers || !buses)
		die("no memory for connections", ENOMEM);
	for (long i = 0; i < connections; i++)
		if (on_bus)
			peer_open(&peers[i], path, pool_size, 0);
		else
			dbus_open(&buses[i], path);
}

static void add_matches(long connections, int matches)
{
	char rule[96];

	for (int i = 0; i < matches; i++) {
		if (parties[KDBUSFS].path) {
			topic_listen(&peers[i % connections], 1 + i);
			continue;
		}
		snprintf(rule, sizeof(rule), "type='signal',interface='org.example.I%d',member='M%d'", i, i);
		dbus_ask(&buses[i % connections], "AddMatch", rule, 0);
	}
}

static void print_rate(long count, uint64_t start)
{
	printf("%ld\t%.0f\n", count, count * 1e9 / (now_ns() - start));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const long connections = argc == 4 ? atol(argv[1]) : 0;
	const int matches = connections * PER_CONNECTION < MATCHES ? connections * PER_CONNECTION : MATCHES;
	uint64_t start;
	char more;

	if (connections < 1 || atol(argv[2]) < 1) {
		fprintf(stderr, "usage: idle CONNECTIONS POOL-SIZE KIND:PID:PATH\n");
		return 2;
	}
	parties_read(2, (char *[]){ argv[0], argv[3], NULL });
	raise_files();
	start = now_ns();
	connect_all(connections, strtoul(argv[2], NULL, 10));
	print_rate(connections, start);
	while (read(0, &more, 1) > 0) {
		start = now_ns();
		add_matches(connections, matches);
		print_rate(matches, start);
	}
	return 0;
}
