/* SPDX-License-Identifier: MIT
 *
 * run-cost [-r ROUNDS] KDBUSFS ENDPOINT: what `kdbusfs run` costs a program.
 *
 * Two processes do the same, one of them started by `kdbusfs run`: system calls that have nothing to do with a bus, single commands, and
 * whole calls to a service that is not run by it. They take turns in short bursts, round after round, so that what disturbs the machine
 * disturbs both alike. Prints a line for each kind of work, separated by tabs: kind, median without and with it, 99th percentile without and
 * with it; in microseconds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "harness.h"
#include "peer.h"

enum { BURST = 200, SMALL = 64, AT_ONCE = 100 };

static struct peer client, service;
static int numbers[2];

/* A system call that takes less time than asking for the time is made often, and the time divided. */
static void call_getppid(void)
{
	for (int i = 0; i < AT_ONCE; i++)
		syscall(SYS_getppid);
}

static void call_ioctl(void)
{
	int bytes;

	for (int i = 0; i < AT_ONCE; i++)
		if (ioctl(numbers[0], FIONREAD, &bytes) < 0)
			die("FIONREAD", errno);
}

/* The queue is empty. */
static void call_recv(void)
{
	struct kdbus_cmd_recv recv = { .size = sizeof(recv) };

	if (ioctl(client.fd, KDBUS_CMD_RECV, &recv) == 0 || errno != EAGAIN)
		die("RECV", errno);
}

static void call_classic(void) { peer_call(&client, service.id, SMALL); }
static void call_sync(void) { peer_call_sync(&client, service.id, SMALL); }

static const struct work {
	const char *name;
	void (*call)(void);
	unsigned repeated;
} works[] = {
	{ "getppid", call_getppid, AT_ONCE },
	{ "another ioctl", call_ioctl, AT_ONCE },
	{ "RECV, nothing there", call_recv, 1 },
	{ "classic call", call_classic, 1 },
	{ "synchronous call", call_sync, 1 },
};

enum { WORKS = sizeof(works) / sizeof(works[0]), WAYS = 2 };

static struct worker {
	int to, from;
} workers[WAYS];

static struct samples results[WORKS][WAYS];

static void exact(ssize_t count, size_t wanted, const char *what)
{
	if (count < 0 || (size_t)count != wanted)
		die(what, count < 0 ? errno : 0);
}

/* Does a burst of the work whose number it reads, and writes how long each took, until its input ends. */
static void work(const char *endpoint, const char *service_id)
{
	uint64_t ns[BURST];
	unsigned char number;

	service.id = strtoull(service_id, NULL, 10);
	peer_open(&client, endpoint, POOL_SIZE, SMALL);
	if (pipe(numbers) < 0)
		die("pipe", errno);
	while (read(0, &number, 1) == 1) {
		const struct work *kind = &works[number];

		for (int i = 0; i < BURST / 8; i++)
			kind->call();
		for (int i = 0; i < BURST; i++) {
			const uint64_t before = now_ns();

			kind->call();
			ns[i] = now_ns() - before;
		}
		exact(write(1, ns, sizeof(ns)), sizeof(ns), "write of results");
	}
}

static void become_worker(void *arguments)
{
	char **argv = arguments;

	execv(argv[0], argv);
	die(argv[0], errno);
}

static struct worker start_worker(char **argv)
{
	int to[2], from[2];
	const int input = fcntl(0, F_DUPFD_CLOEXEC, 3), output = fcntl(1, F_DUPFD_CLOEXEC, 3);

	if (input < 0 || output < 0 || pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0)
		die("pipe", errno);
	/* The worker finds its ends as standard input and output, and nothing else: so its input ends when we do. */
	if (dup2(to[0], 0) < 0 || dup2(from[1], 1) < 0)
		die("dup2", errno);
	spawn(become_worker, argv);
	dup2(input, 0);
	dup2(output, 1);
	close(input);
	close(output);
	close(to[0]);
	close(from[1]);
	return (struct worker){ .to = to[1], .from = from[0] };
}

static void burst(struct samples *samples, const struct worker *worker, unsigned char number)
{
	uint64_t ns[BURST];
	size_t length = 0;

	exact(write(worker->to, &number, 1), 1, "write to a worker");
	while (length < sizeof(ns)) {
		const ssize_t count = read(worker->from, (char *)ns + length, sizeof(ns) - length);

		if (count <= 0)
			die("a worker has ended", count < 0 ? errno : 0);
		length += count;
	}
	for (int i = 0; i < BURST; i++)
		samples_add(samples, ns[i]);
}

static void serve(void *endpoint)
{
	(void)endpoint;
	peer_serve(&service);
}

int main(int argc, char **argv)
{
	char id[24];
	int rounds = 10, option;

	if (argc == 4 && strcmp(argv[1], "--work") == 0) {
		work(argv[2], argv[3]);
		return 0;
	}
	while ((option = getopt(argc, argv, "r:")) != -1)
		rounds = option == 'r' ? atoi(optarg) : 0;
	if (argc - optind != 2 || rounds < 1) {
		fprintf(stderr, "usage: run-cost [-r ROUNDS] KDBUSFS ENDPOINT\n");
		return 2;
	}

	/* It connects before the fork: its connection belongs to an open file, which the child inherits. */
	peer_open(&service, argv[optind + 1], POOL_SIZE, SMALL);
	spawn(serve, NULL);
	snprintf(id, sizeof(id), "%llu", (unsigned long long)service.id);
	workers[0] = start_worker((char *[]){ argv[0], "--work", argv[optind + 1], id, NULL });
	workers[1] = start_worker((char *[]){ argv[optind], "run", argv[0], "--work", argv[optind + 1], id, NULL });
	for (int round = 0; round < rounds; round++)
		for (int number = 0; number < WORKS; number++)
			for (int way = 0; way < WAYS; way++)
				burst(&results[number][way], &workers[way], number);

	for (int number = 0; number < WORKS; number++) {
		struct samples *without = &results[number][0], *with = &results[number][1];
		const double unit = 1e3 * works[number].repeated;

		printf("%s\t%.3f\t%.3f\t%.3f\t%.3f\n", works[number].name, samples_quantile(without, 0.5) / unit,
		       samples_quantile(with, 0.5) / unit, samples_quantile(without, 0.99) / unit, samples_quantile(with, 0.99) / unit);
	}
	return 0;
}
