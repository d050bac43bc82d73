/* SPDX-License-Identifier: MIT
 *
 * signals [-r ROUNDS] ENDPOINT DAEMON-PID: how long it takes to send a signal.
 *
 * First to one listener, while 0 to 10,000 matches of others on the bus do not fit: what a crowd costs that does not listen. Then to
 * 1 to 500 listeners, beside a program without a bus that writes the same bytes into as many unix datagram sockets. Round after
 * round each of them in turn, so that what disturbs the machine disturbs all alike; this program and the daemon share one CPU, because a
 * wake-up on another one costs more than the rest. Who receives, and gives the room back, is not part of the time, nor is the first
 * signal of a burst, for which idle pools are mapped again. Prints a line for each, separated by tabs: what, how many, bytes, median, 99th percentile in microseconds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "harness.h"
#include "peer.h"
#include "topics.h"

enum { PER_CROWD = 250, CROWDS = 40, LISTENERS = 500, LARGEST = 64 << 10, BURST = 40, SHORTEST_BURST = 4 };

static const int crowds[] = { 0, 10, 100, 1000, 10000 };
static const int audiences[] = { 1, 10, 100, 500 };
static const size_t sizes[] = { 64, LARGEST };

enum { CROWD_STEPS = sizeof(crowds) / sizeof(crowds[0]), AUDIENCE_STEPS = sizeof(audiences) / sizeof(audiences[0]), SIZES = 2 };

static struct peer sender, listeners[LISTENERS], crowd[CROWDS];
static int sockets[LISTENERS][2];
static struct samples by_crowd[CROWD_STEPS], by_audience[AUDIENCE_STEPS][SIZES], by_socket[AUDIENCE_STEPS][SIZES];

static void say(uint64_t topic, size_t size)
{
	struct {
		struct kdbus_msg header;
		uint64_t vec_size, vec_type;
		struct kdbus_vec vec;
		uint64_t filter_size, filter_type, generation;
		unsigned char filter[BLOOM_SIZE];
	} message = {
		.header = {
			.size = sizeof(message),
			.flags = KDBUS_MSG_SIGNAL,
			.dst_id = KDBUS_DST_ID_BROADCAST,
			.payload_type = KDBUS_PAYLOAD_DBUS,
		},
		.vec_size = offsetof(struct kdbus_item, data) + sizeof(message.vec),
		.vec_type = KDBUS_ITEM_PAYLOAD_VEC,
		.vec = { .size = size, .address = (uintptr_t)sender.payload },
		.filter_size = offsetof(struct kdbus_item, data) + sizeof(message.generation) + BLOOM_SIZE,
		.filter_type = KDBUS_ITEM_BLOOM_FILTER,
	};
	struct kdbus_cmd_send send = { .size = sizeof(send), .msg_address = (uintptr_t)&message };

	topic_add(message.filter, topic);
	if (ioctl(sender.fd, KDBUS_CMD_SEND, &send) < 0)
		die("SEND", errno);
}

static void hear(struct peer *peer)
{
	struct kdbus_cmd_recv recv = { .size = sizeof(recv) };
	struct kdbus_cmd_free free = { .size = sizeof(free) };

	if (ioctl(peer->fd, KDBUS_CMD_RECV, &recv) < 0)
		die("a listener did not get the signal: RECV", errno);
	free.offset = recv.msg.offset;
	if (recv.dropped_msgs)
		die("a listener lost a signal", 0);
	if (ioctl(peer->fd, KDBUS_CMD_FREE, &free) < 0)
		die("FREE", errno);
}

static void measure_bus(struct samples *samples, int audience, size_t size, int burst)
{
	for (int i = 0; i <= burst; i++) {
		const uint64_t start = now_ns();

		say(0, size);
		if (i > 0)
			samples_add(samples, now_ns() - start);
		for (int k = 0; k < audience; k++)
			hear(&listeners[k]);
	}
}

static void measure_sockets(struct samples *samples, int audience, size_t size, int burst)
{
	static unsigned char heard[LARGEST];

	for (int i = 0; i < burst; i++) {
		const uint64_t start = now_ns();

		for (int k = 0; k < audience; k++)
			if (write(sockets[k][0], sender.payload, size) != (ssize_t)size)
				die("write to a socket", errno);
		samples_add(samples, now_ns() - start);
		for (int k = 0; k < audience; k++)
			if (read(sockets[k][1], heard, sizeof(heard)) != (ssize_t)size)
				die("read from a socket", errno);
	}
}

/* A crowd of 10,000 is 40 connections with 250 matches each. */
static void round_of_crowds(void)
{
	int matches = 0;

	for (int step = 0; step < CROWD_STEPS; step++) {
		for (; matches < crowds[step]; matches++)
			topic_listen(&crowd[matches / PER_CROWD], 1 + matches);
		measure_bus(&by_crowd[step], 1, 64, BURST);
	}
	while (matches-- > 0)
		topic_ignore(&crowd[matches / PER_CROWD], 1 + matches);
}

static void round_of_audiences(void)
{
	int audience = 1;

	for (int step = 0; step < AUDIENCE_STEPS; step++) {
		for (; audience < audiences[step]; audience++)
			topic_listen(&listeners[audience], 0);
		for (int size = 0; size < SIZES; size++) {
			const int burst = SHORTEST_BURST + BURST * 10 / (9 + audience);

			measure_bus(&by_audience[step][size], audience, sizes[size], burst);
			measure_sockets(&by_socket[step][size], audience, sizes[size], burst);
		}
	}
	while (--audience > 0)
		topic_ignore(&listeners[audience], 0);
}

static void print(const char *what, int count, size_t size, struct samples *samples)
{
	printf("%s\t%d\t%zu\t%.2f\t%.2f\n", what, count, size, samples_quantile(samples, 0.5) / 1e3, samples_quantile(samples, 0.99) / 1e3);
}

int main(int argc, char **argv)
{
	int option, rounds = 10;
	cpu_set_t cpu;

	while ((option = getopt(argc, argv, "r:")) != -1) {
		if (option != 'r' || (rounds = atoi(optarg)) < 1)
			goto usage;
	}
	if (optind != argc - 2 || atoi(argv[optind + 1]) < 1)
		goto usage;
	raise_files();

	CPU_ZERO(&cpu);
	CPU_SET(sched_getcpu(), &cpu);
	place(getpid(), &cpu);
	place(atoi(argv[optind + 1]), &cpu);

	peer_open(&sender, argv[optind], POOL_SIZE, LARGEST);
	for (int i = 0; i < CROWDS; i++)
		peer_open(&crowd[i], argv[optind], 1 << 20, 0);
	for (int i = 0; i < LISTENERS; i++) {
		peer_open(&listeners[i], argv[optind], 1 << 20, 0);
		if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets[i]) < 0)
			die("socketpair", errno);
	}
	topic_listen(&listeners[0], 0);
	for (int i = 0; i < rounds; i++) {
		round_of_crowds();
		round_of_audiences();
	}
	for (int i = 0; i < CROWD_STEPS; i++)
		print("crowd", crowds[i], 64, &by_crowd[i]);
	for (int i = 0; i < AUDIENCE_STEPS; i++) {
		for (int size = 0; size < SIZES; size++) {
			print("audience", audiences[i], sizes[size], &by_audience[i][size]);
			print("sockets", audiences[i], sizes[size], &by_socket[i][size]);
		}
	}
	return 0;
usage:
	fprintf(stderr, "usage: signals [-r ROUNDS] ENDPOINT DAEMON-PID\n");
	return 2;
}
