/* SPDX-License-Identifier: MIT
 *
 * pairs [-r ROUNDS] KIND:PID:PATH...: how many calls of 8 bytes a second 1 to 8 pairs of a client and a service make at the same time.
 *
 * On one bus; on two buses of one daemon, with half of the pairs on each; and on one dbus-broker. All clients of a way start together, and a
 * burst ends with the last of them. Round after round each way in turns, every process where the scheduler likes. Prints a line for each (pairs,
 * way), separated by tabs: pairs, way, calls a second of all pairs together in the median burst.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include "dbus-peer.h"
#include "exchange.h"
#include "harness.h"
#include "parties.h"

enum { SIZE = 8, MOST = 8, CALLS = 250, STEPS = 4 };

static const int steps[STEPS] = { 1, 2, 4, MOST };

enum { EXCHANGE, EXCHANGE_TWO, SYNC, SYNC_TWO, BY_DBUS_DAEMON, BY_DBUS_BROKER, WAYS };

static struct way {
	const char *name;
	int two, with_exchange;
	enum kind kind;
	int here;
	struct samples results[STEPS];
} ways[WAYS] = {
	[EXCHANGE] = { .name = "exchange", .with_exchange = 1, .kind = KDBUSFS },
	[EXCHANGE_TWO] = { .name = "exchange-two", .with_exchange = 1, .two = 1, .kind = KDBUSFS },
	[SYNC] = { .name = "sync", .kind = KDBUSFS },
	[SYNC_TWO] = { .name = "sync-two", .two = 1, .kind = KDBUSFS },
	[BY_DBUS_DAEMON] = { .name = "dbus-daemon", .kind = DBUS_DAEMON },
	[BY_DBUS_BROKER] = { .name = "dbus-broker", .kind = DBUS_BROKER },
};

/* A client and its service, both processes of their own, that do nothing until a byte comes. */
static struct pair {
	const struct way *way;
	int go[2], done[2];
	struct peer client, service;
	struct exchange client_exchange, service_exchange;
	struct dbus_peer dbus_client, dbus_service;
} pairs[WAYS][MOST];

static void serve(void *argument)
{
	struct pair *pair = argument;

	if (pair->way->kind != KDBUSFS)
		dbus_peer_serve(&pair->dbus_service);
	if (pair->way->with_exchange)
		exchange_serve(&pair->service_exchange);
	peer_serve(&pair->service);
}

static void call(struct pair *pair)
{
	if (pair->way->kind != KDBUSFS)
		dbus_peer_call(&pair->dbus_client, pair->dbus_service.dbus.name, SIZE);
	else if (pair->way->with_exchange)
		exchange_call(&pair->client_exchange, pair->service.id, SIZE);
	else
		peer_call_sync(&pair->client, pair->service.id, SIZE);
}

static void be_client(void *argument)
{
	struct pair *pair = argument;
	char byte;

	for (;;) {
		read_all(pair->go[0], &byte, 1);
		for (int i = 0; i < CALLS; i++)
			call(pair);
		write_all(pair->done[1], &byte, 1);
	}
}

static void start_pair(struct pair *pair, const struct way *way, const char *path)
{
	pair->way = way;
	if (pipe(pair->go) < 0 || pipe(pair->done) < 0)
		die("pipe", errno);
	if (way->kind != KDBUSFS) {
		dbus_peer_open(&pair->dbus_service, path, SIZE);
		dbus_peer_open(&pair->dbus_client, path, SIZE);
	} else {
		peer_open(&pair->service, path, 1 << 20, SIZE);
		peer_open(&pair->client, path, 1 << 20, SIZE);
		exchange_open(&pair->service_exchange, &pair->service);
		exchange_open(&pair->client_exchange, &pair->client);
	}
	spawn(serve, pair);
	spawn(be_client, pair);
}

static int is_here(const struct way *way)
{
	struct peer peer;
	int known;

	if (!parties[way->kind].path || (way->two && !parties[SECOND_BUS].path))
		return 0;
	if (!way->with_exchange)
		return 1;
	peer_open(&peer, parties[KDBUSFS].path, 1 << 20, 0);
	known = exchange_is_known(&peer);
	close(peer.fd);
	return known;
}

static void burst(struct pair *of_way, int count)
{
	char byte = 0;

	for (int i = 0; i < count; i++)
		write_all(of_way[i].go[1], &byte, 1);
	for (int i = 0; i < count; i++)
		read_all(of_way[i].done[0], &byte, 1);
}

static void measure(int way, int step)
{
	uint64_t start;

	burst(pairs[way], steps[step]);
	start = now_ns();
	burst(pairs[way], steps[step]);
	samples_add(&ways[way].results[step], now_ns() - start);
}

int main(int argc, char **argv)
{
	const int rounds = parties_read(argc, argv);

	raise_files();
	for (int way = 0; way < WAYS; way++) {
		ways[way].here = is_here(&ways[way]);
		for (int i = 0; i < MOST && ways[way].here; i++)
			start_pair(&pairs[way][i], &ways[way], parties[ways[way].two && i % 2 ? SECOND_BUS : ways[way].kind].path);
	}
	for (int round = 0; round < rounds; round++)
		for (int step = 0; step < STEPS; step++)
			for (int way = 0; way < WAYS; way++)
				if (ways[way].here)
					measure(way, step);
	for (int step = 0; step < STEPS; step++)
		for (int way = 0; way < WAYS; way++)
			if (ways[way].here)
				printf("%d\t%s\t%.0f\n", steps[step], ways[way].name,
				       (double)CALLS * steps[step] * 1e9 / samples_quantile(&ways[way].results[step], 0.5));
	return 0;
}
