/* SPDX-License-Identifier: MIT
 *
 * classic [-r ROUNDS] [-s PAYLOAD]... ENDPOINT DAEMON-PID: how long a call takes.
 *
 * Four ways to ask a question and get an answer of the same size, all between processes: a unix stream socket, the same through
 * a process that only passes bytes on, the bus' classic call (SEND; poll, RECV, FREE on both sides), and its synchronous
 * call. Short bursts of each, one after the other, round after round, with every process where the scheduler likes and with all on
 * one CPU: what disturbs the machine disturbs all of them alike. Prints a line for each (place, payload, way), separated by
 * tabs: place, bytes, way, median, 99th percentile, CPU time of all processes together, each in microseconds a call, calls.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "harness.h"
#include "peer.h"
#include "sockets.h"

enum { LARGEST = 2 << 20, MAX_PAYLOADS = 16, BURST_BYTES = 16 << 20, LONGEST_BURST = 250, SHORTEST_BURST = 8 };

static struct peer client, service;
static struct stream direct, relayed;

static void call_direct(size_t size) { stream_call(&direct, size); }
static void call_relayed(size_t size) { stream_call(&relayed, size); }
static void call_classic(size_t size) { peer_call(&client, service.id, size); }
static void call_sync(size_t size) { peer_call_sync(&client, service.id, size); }

struct way {
	const char *name;
	void (*call)(size_t size);
	pid_t processes[MAX_PROCESSES];
	int count;
};

static struct way ways[] = {
	{ .name = "unix", .call = call_direct },
	{ .name = "relay", .call = call_relayed },
	{ .name = "classic", .call = call_classic },
	{ .name = "sync", .call = call_sync },
};

enum { WAYS = sizeof(ways) / sizeof(ways[0]), PLACES = 2 };

static const char *const place_names[PLACES] = { "free", "pinned" };
static cpu_set_t places[PLACES];
static struct samples results[PLACES][MAX_PAYLOADS][WAYS];

static void takes_part(struct way *way, pid_t process)
{
	way->processes[way->count++] = process;
}

static void serve(void *endpoint_and_id)
{
	const int *pipe = endpoint_and_id;

	if (write(pipe[1], &service.id, sizeof(service.id)) != sizeof(service.id))
		die("write to a pipe", errno);
	peer_serve(&service);
}

/* The service connects before the fork: its connection belongs to an open file, which the child inherits. */
static pid_t start_service(const char *endpoint)
{
	int ready[2];
	uint64_t id;
	pid_t child;

	if (pipe(ready) < 0)
		die("pipe", errno);
	peer_open(&service, endpoint, POOL_SIZE, LARGEST);
	child = spawn(serve, ready);
	if (read(ready[0], &id, sizeof(id)) != sizeof(id) || id != service.id)
		die("the service did not come up", 0);
	close(service.fd);
	close(ready[0]);
	close(ready[1]);
	return child;
}

static void start(const char *endpoint, pid_t daemon)
{
	pid_t server;

	stream_open(&direct, LARGEST, 0);
	stream_open(&relayed, LARGEST, 1);
	server = start_service(endpoint);
	peer_open(&client, endpoint, POOL_SIZE, LARGEST);

	for (int i = 0; i < WAYS; i++)
		takes_part(&ways[i], getpid());
	takes_part(&ways[0], direct.server);
	takes_part(&ways[1], relayed.server);
	takes_part(&ways[1], relayed.relay);
	for (int i = 2; i < WAYS; i++) {
		takes_part(&ways[i], server);
		takes_part(&ways[i], daemon);
	}
}

static void put(int where)
{
	for (int i = 0; i < WAYS; i++)
		for (int k = 0; k < ways[i].count; k++)
			place(ways[i].processes[k], &places[where]);
}

static uint64_t cpu_of(const struct way *way)
{
	uint64_t sum = 0;

	for (int i = 0; i < way->count; i++)
		sum += cpu_ns(way->processes[i]);
	return sum;
}

static void burst(struct samples *samples, const struct way *way, size_t size)
{
	const size_t fitting = BURST_BYTES / size;
	const size_t calls = fitting > LONGEST_BURST ? LONGEST_BURST : fitting < SHORTEST_BURST ? SHORTEST_BURST : fitting;
	uint64_t cpu, before, after;

	/* Caches, page tables and the scheduler's opinion belong to the way measured before. */
	for (size_t i = 0; i < calls / 8 + 2; i++)
		way->call(size);
	cpu = cpu_of(way);
	for (size_t i = 0; i < calls; i++) {
		before = now_ns();
		way->call(size);
		after = now_ns();
		samples_add(samples, after - before);
	}
	samples->cpu_ns += cpu_of(way) - cpu;
}

static void one_cpu_of(cpu_set_t *one, const cpu_set_t *allowed)
{
	int last = -1;

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, allowed))
			last = cpu;
	CPU_ZERO(one);
	CPU_SET(last, one);
}

int main(int argc, char **argv)
{
	size_t payloads[MAX_PAYLOADS] = { 8, 64, 1 << 10, 16 << 10, 256 << 10, LARGEST };
	int given = 0, count = 6, rounds = 10, option;

	while ((option = getopt(argc, argv, "r:s:")) != -1) {
		if (option == 'r') {
			rounds = atoi(optarg);
		} else if (option == 's' && given < MAX_PAYLOADS) {
			payloads[given++] = strtoul(optarg, NULL, 10);
			count = given;
		} else {
			rounds = 0;
		}
	}
	for (int i = 0; i < count; i++)
		if (payloads[i] < 8 || payloads[i] > LARGEST)
			die("a payload has 8 bytes to 2 MiB", 0);
	if (argc - optind != 2 || rounds < 1 || atoi(argv[optind + 1]) < 1) {
		fprintf(stderr, "usage: classic [-r ROUNDS] [-s PAYLOAD]... ENDPOINT DAEMON-PID\n");
		return 2;
	}

	if (sched_getaffinity(0, sizeof(places[0]), &places[0]) < 0)
		die("sched_getaffinity", errno);
	one_cpu_of(&places[1], &places[0]);
	start(argv[optind], atoi(argv[optind + 1]));

	for (int round = 0; round < rounds; round++)
		for (int where = 0; where < PLACES; where++) {
			put(where);
			for (int i = 0; i < count; i++)
				for (int k = 0; k < WAYS; k++)
					burst(&results[where][i][k], &ways[k], payloads[i]);
		}
	put(0);

	for (int where = 0; where < PLACES; where++)
		for (int i = 0; i < count; i++)
			for (int k = 0; k < WAYS; k++) {
				struct samples *samples = &results[where][i][k];

				printf("%s\t%zu\t%s\t%.2f\t%.2f\t%.2f\t%zu\n", place_names[where], payloads[i], ways[k].name,
				       samples_quantile(samples, 0.5) / 1e3, samples_quantile(samples, 0.99) / 1e3,
				       samples->cpu_ns / 1e3 / samples->count, samples->count);
			}
	return 0;
}
