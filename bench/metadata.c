/* SPDX-License-Identifier: MIT
 *
 * metadata [-r ROUNDS] ENDPOINT DAEMON-PID: what it costs that a message says who sent it.
 *
 * One process sends messages of 8 bytes to itself, on two connections, and receives them; the receiver wants one kind of metadata, or a
 * few, or none. Round after round each of them in turn, and before each of them none, so that what disturbs the machine disturbs all
 * alike; this program and the daemon share one CPU. The domain must let all kinds through. Prints a line for each, separated by tabs: what,
 * median time of SEND and of RECV, how much longer both took than in the burst of none right before (the median of that, since machines
 * change their speed), in microseconds, and bytes of metadata.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "harness.h"
#include "peer.h"

enum { BURST = 100, MOST_ROUNDS = 1000, PAYLOAD = 8, BARE = sizeof(struct kdbus_msg) + 32 };

static const struct {
	const char *what;
	uint64_t kinds;
} choices[] = {
	{ "nothing", 0 },
	{ "CREDS and PIDS", KDBUS_ATTACH_CREDS | KDBUS_ATTACH_PIDS },
	{ "PIDS", KDBUS_ATTACH_PIDS },
	{ "CREDS", KDBUS_ATTACH_CREDS },
	{ "TIMESTAMP", KDBUS_ATTACH_TIMESTAMP },
	{ "PIDFS_ID", KDBUS_ATTACH_PIDFS_ID },
	{ "START_TIME", KDBUS_ATTACH_START_TIME },
	{ "AUXGROUPS", KDBUS_ATTACH_AUXGROUPS },
	{ "TID_COMM", KDBUS_ATTACH_TID_COMM },
	{ "EXE", KDBUS_ATTACH_EXE },
	{ "CMDLINE", KDBUS_ATTACH_CMDLINE },
	{ "CGROUP", KDBUS_ATTACH_CGROUP },
	{ "CAPS", KDBUS_ATTACH_CAPS },
	{ "AUDIT", KDBUS_ATTACH_AUDIT },
	{ "what a domain lets through", 0x281f },
	{ "all fourteen", _KDBUS_ATTACH_ALL },
};

enum { CHOICES = sizeof(choices) / sizeof(choices[0]) };

static struct peer sender, receiver;
static struct samples sends[CHOICES], receives[CHOICES];
static double more[CHOICES][MOST_ROUNDS];
static size_t bytes[CHOICES];

static void command(struct peer *peer, unsigned long number, void *argument, const char *name)
{
	if (ioctl(peer->fd, number, argument) < 0)
		die(name, errno);
}

static void set_mask(struct peer *peer, uint64_t which, uint64_t kinds)
{
	struct {
		struct kdbus_cmd command;
		uint64_t size, type, kinds;
	} update = { { .size = sizeof(update) }, offsetof(struct kdbus_item, data) + sizeof(kinds), which, kinds };

	command(peer, KDBUS_CMD_UPDATE, &update, "UPDATE");
}

static void say(void)
{
	struct {
		struct kdbus_msg header;
		uint64_t size, type;
		struct kdbus_vec vec;
	} message = {
		.header = { .size = sizeof(message), .dst_id = receiver.id, .payload_type = KDBUS_PAYLOAD_DBUS },
		.size = offsetof(struct kdbus_item, data) + sizeof(message.vec),
		.type = KDBUS_ITEM_PAYLOAD_VEC,
		.vec = { .size = PAYLOAD, .address = (uintptr_t)sender.payload },
	};
	struct kdbus_cmd_send send = { .size = sizeof(send), .msg_address = (uintptr_t)&message };

	command(&sender, KDBUS_CMD_SEND, &send, "SEND");
}

/* Returns the median time of a message, in nanoseconds. */
static double measure(int choice)
{
	struct samples burst = { 0 };
	double median;

	set_mask(&receiver, KDBUS_ITEM_ATTACH_FLAGS_RECV, choices[choice].kinds);
	for (int i = -1; i < BURST; i++) {
		struct kdbus_cmd_recv recv = { .size = sizeof(recv) };
		struct kdbus_cmd_free release = { .size = sizeof(release) };
		uint64_t start, sent, received;

		start = now_ns();
		say();
		sent = now_ns();
		command(&receiver, KDBUS_CMD_RECV, &recv, "RECV");
		received = now_ns();
		release.offset = recv.msg.offset;
		bytes[choice] = ((const struct kdbus_msg *)(receiver.pool + recv.msg.offset))->size - BARE;
		command(&receiver, KDBUS_CMD_FREE, &release, "FREE");
		if (i < 0)
			continue; /* the kind is new to everybody */
		samples_add(&sends[choice], sent - start);
		samples_add(&receives[choice], received - sent);
		samples_add(&burst, received - start);
	}
	if (choices[choice].kinds && !bytes[choice])
		die("the domain does not let this kind through, or has nothing to say of it", 0);
	median = samples_quantile(&burst, 0.5);
	free(burst.ns);
	return median;
}

static int by_size(const void *left, const void *right)
{
	const double l = *(const double *)left, r = *(const double *)right;

	return (l > r) - (l < r);
}

int main(int argc, char **argv)
{
	int option, rounds = 10;
	cpu_set_t cpu;

	while ((option = getopt(argc, argv, "r:")) != -1) {
		if (option != 'r' || (rounds = atoi(optarg)) < 1 || rounds > MOST_ROUNDS)
			goto usage;
	}
	if (optind != argc - 2 || atoi(argv[optind + 1]) < 1)
		goto usage;

	CPU_ZERO(&cpu);
	CPU_SET(sched_getcpu(), &cpu);
	place(getpid(), &cpu);
	place(atoi(argv[optind + 1]), &cpu);

	peer_open(&sender, argv[optind], POOL_SIZE, PAYLOAD);
	peer_open(&receiver, argv[optind], POOL_SIZE, 0);
	set_mask(&sender, KDBUS_ITEM_ATTACH_FLAGS_SEND, _KDBUS_ATTACH_ALL | KDBUS_ATTACH_PIDFS_ID | KDBUS_ATTACH_START_TIME);
	for (int i = 0; i < rounds; i++) {
		for (int choice = 1; choice < CHOICES; choice++) {
			const double none = measure(0);

			more[choice][i] = measure(choice) - none;
		}
	}
	for (int choice = 0; choice < CHOICES; choice++) {
		qsort(more[choice], rounds, sizeof(more[choice][0]), by_size);
		printf("%s\t%.2f\t%.2f\t%.2f\t%zu\n", choices[choice].what, samples_quantile(&sends[choice], 0.5) / 1e3,
		       samples_quantile(&receives[choice], 0.5) / 1e3, more[choice][rounds / 2] / 1e3, bytes[choice]);
	}
	return 0;
usage:
	fprintf(stderr, "usage: metadata [-r ROUNDS] ENDPOINT DAEMON-PID\n");
	return 2;
}
