/* SPDX-License-Identifier: MIT
 *
 * crowd [-r ROUNDS] KIND:PID:PATH...: how long a call of 8 bytes takes on a bus where there is much besides.
 *
 * Beside 10 to 5,000 idle connections; beside none and 10,000 matches that nothing fits; beside none and 1,000 names. At each size of the crowd
 * the ways are measured in turns, in short bursts, round after round, with all processes on one CPU. Where the limit of open files is too low
 * for 5,000 connections they are fewer. Prints a line for each, separated by tabs: what, how many, way, median, 99th percentile in microseconds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include "dbus.h"
#include "parties.h"
#include "peer.h"
#include "topics.h"
#include "ways.h"

/* 250 matches or names on each of some connections: less than the limit of 256. */
enum { FEW = 10, MANY = 1000, MOST = 5000, POOL = 64 << 10, PER_CONNECTION = 250, MATCHES = 10000, NAMES = 1000 };

/* Our daemon needs three descriptors for a connection, and this program one for each broker. */
enum { FILES_OF_CONNECTION = 4 - 1, FILES_BESIDES = 500 };

static struct peer peers[MOST];
static struct dbus buses[KINDS][MOST];
static int connections;

static void connect_one(int i)
{
	if (parties[KDBUSFS].path)
		peer_open(&peers[i], parties[KDBUSFS].path, POOL, 0);
	for (int kind = DBUS_DAEMON; kind <= DBUS_BROKER; kind++)
		if (parties[kind].path)
			dbus_open(&buses[kind][i], parties[kind].path);
}

static void disconnect_one(int i)
{
	if (parties[KDBUSFS].path) {
		munmap((void *)peers[i].pool, POOL);
		close(peers[i].fd);
	}
	for (int kind = DBUS_DAEMON; kind <= DBUS_BROKER; kind++)
		if (parties[kind].path)
			close(buses[kind][i].fd);
}

static void have_connections(int count)
{
	for (; connections < count; connections++)
		connect_one(connections);
	for (; connections > count; connections--)
		disconnect_one(connections - 1);
}

static void add_match(int i)
{
	const int connection = i / PER_CONNECTION;
	char rule[96];

	snprintf(rule, sizeof(rule), "type='signal',interface='org.example.I%d',member='M%d'", i, i);
	if (parties[KDBUSFS].path)
		topic_listen(&peers[connection], 1 + i);
	for (int kind = DBUS_DAEMON; kind <= DBUS_BROKER; kind++)
		if (parties[kind].path)
			dbus_ask(&buses[kind][connection], "AddMatch", rule, 0);
}

static void acquire_name(int i)
{
	struct {
		struct kdbus_cmd command;
		uint64_t size, type;
		char name[32];
	} acquire = { .command.size = sizeof(acquire), .type = KDBUS_ITEM_NAME };
	const int connection = i / PER_CONNECTION;

	acquire.size = offsetof(struct kdbus_item, data) + snprintf(acquire.name, sizeof(acquire.name), "org.example.Name%d", i) + 1;
	acquire.command.size = sizeof(acquire.command) + ((acquire.size + 7) & ~7UL);
	if (parties[KDBUSFS].path)
		peer_command(&peers[connection], KDBUS_CMD_NAME_ACQUIRE, &acquire, "NAME_ACQUIRE");
	for (int kind = DBUS_DAEMON; kind <= DBUS_BROKER; kind++)
		if (parties[kind].path)
			dbus_ask(&buses[kind][connection], "RequestName", acquire.name, 1);
}

static void measure(const char *what, int count, int rounds)
{
	struct samples results[WAYS] = { 0 };

	for (int round = 0; round < rounds; round++)
		for (int way = 0; way < WAYS; way++)
			if (way_is_here(way))
				way_burst(way, &results[way], SIZE_BYTES);
	for (int way = 0; way < WAYS; way++)
		if (way_is_here(way))
			printf("%s\t%d\t%s\t%.2f\t%.2f\n", what, count, ways[way].name, samples_quantile(&results[way], 0.5) / 1e3,
			       samples_quantile(&results[way], 0.99) / 1e3);
}

static int most_connections(void)
{
	struct rlimit files;
	long fitting;

	raise_files();
	getrlimit(RLIMIT_NOFILE, &files);
	fitting = ((long)files.rlim_cur - FILES_BESIDES) / FILES_OF_CONNECTION;
	if (fitting < MATCHES / PER_CONNECTION)
		die("too few files may be open here (ulimit -Hn)", 0);
	return fitting < MOST ? fitting / 10 * 10 : MOST;
}

int main(int argc, char **argv)
{
	const int rounds = parties_read(argc, argv), most = most_connections();

	places_find();
	ways_start(1U << EXCHANGE | 1U << SYNC | 1U << BY_DBUS_DAEMON | 1U << BY_DBUS_BROKER);
	for (int way = 0; way < WAYS; way++)
		crew_place(&ways[way].crew, PINNED);

	have_connections(FEW);
	measure("idle connections", FEW, rounds);
	if (most > MANY) {
		have_connections(MANY);
		measure("idle connections", MANY, rounds);
	}
	have_connections(most);
	measure("idle connections", most, rounds);
	have_connections(MATCHES / PER_CONNECTION);
	measure("matches", 0, rounds);
	for (int i = 0; i < MATCHES; i++)
		add_match(i);
	measure("matches", MATCHES, rounds);
	have_connections(0);
	have_connections(NAMES / PER_CONNECTION);
	measure("names", 0, rounds);
	for (int i = 0; i < NAMES; i++)
		acquire_name(i);
	measure("names", NAMES, rounds);

	for (int way = 0; way < WAYS; way++)
		crew_place(&ways[way].crew, FREE);
	return 0;
}
