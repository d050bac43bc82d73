/* SPDX-License-Identifier: MIT
 *
 * steps [-r ROUNDS] ENDPOINT DAEMON-PID: what a small call is made of.
 *
 * An EXCHANGE that has nothing to do is a bare way to the daemon and back; a message to oneself that is sent and received by one EXCHANGE has all of the
 * bus but other processes; a call has two ways and three processes. In turns, with everything on one CPU. Prints a line for each, separated by
 * tabs: what, median, CPU time of the caller, the daemon and the service, in microseconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "exchange.h"
#include "harness.h"

enum { SIZE = 8, BURST = 1000 };

static struct peer caller, service;
static struct exchange calling, serving;

static void do_nothing(void)
{
	exchange_begin(&calling, 0, 0);
	exchange_do(&calling, sizeof(struct kdbus_cmd_exchange));
}

static void tell_oneself(void)
{
	const struct kdbus_msg *message;

	exchange_begin(&calling, KDBUS_EXCHANGE_RECV, 0);
	exchange_add(&calling, (struct kdbus_msg){ .dst_id = caller.id }, SIZE, NULL);
	exchange_do(&calling, exchange_room(SIZE));
	message = exchange_next(&calling);
	if (!message || peer_check(&caller, message) != SIZE)
		die("the wrong message arrived", 0);
}

static void call(void)
{
	exchange_call(&calling, service.id, SIZE);
}

static const struct step {
	const char *name;
	void (*run)(void);
} steps[] = {
	{ "to the daemon and back", do_nothing },
	{ "a message to oneself", tell_oneself },
	{ "a call", call },
};

enum { STEPS = sizeof(steps) / sizeof(steps[0]), PARTIES = 3 };

static void serve(void *nothing)
{
	(void)nothing;
	exchange_serve(&serving);
}

static void burst(const struct step *step, struct samples *samples, const pid_t parties[PARTIES], uint64_t cpu[PARTIES])
{
	uint64_t before;

	for (int i = 0; i < BURST / 10; i++)
		step->run();
	for (int i = 0; i < PARTIES; i++)
		cpu[i] -= cpu_ns(parties[i]);
	for (int i = 0; i < BURST; i++) {
		before = now_ns();
		step->run();
		samples_add(samples, now_ns() - before);
	}
	for (int i = 0; i < PARTIES; i++)
		cpu[i] += cpu_ns(parties[i]);
}

int main(int argc, char **argv)
{
	static struct samples samples[STEPS];
	static uint64_t cpu[STEPS][PARTIES];
	struct crew crew = { 0 };
	pid_t parties[PARTIES];
	int option, rounds = 10;

	while ((option = getopt(argc, argv, "r:")) == 'r')
		rounds = atoi(optarg);
	if (option != -1 || argc - optind != 2 || rounds < 1) {
		fprintf(stderr, "usage: steps [-r ROUNDS] ENDPOINT DAEMON-PID\n");
		return 2;
	}
	places_find();
	peer_open(&caller, argv[optind], POOL_SIZE, SIZE);
	peer_open(&service, argv[optind], POOL_SIZE, SIZE);
	if (!exchange_is_known(&caller))
		return 0;
	exchange_open(&calling, &caller);
	exchange_open(&serving, &service);
	parties[0] = getpid();
	parties[1] = atoi(argv[optind + 1]);
	parties[2] = spawn(serve, NULL);
	for (int i = 0; i < PARTIES; i++)
		crew_add(&crew, parties[i]);
	crew_place(&crew, PINNED);

	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < STEPS; i++)
			burst(&steps[i], &samples[i], parties, cpu[i]);
	crew_place(&crew, FREE);
	for (int i = 0; i < STEPS; i++) {
		printf("%s\t%.2f", steps[i].name, samples_quantile(&samples[i], 0.5) / 1e3);
		for (int k = 0; k < PARTIES; k++)
			printf("\t%.2f", cpu[i][k] / 1e3 / rounds / BURST);
		putchar('\n');
	}
	return 0;
}
