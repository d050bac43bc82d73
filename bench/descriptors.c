/* SPDX-License-Identifier: MIT
 *
 * descriptors [-r ROUNDS] ENDPOINT DAEMON-PID: what it costs to send files instead of bytes, and that their size does not matter.
 *
 * One process sends messages to itself, on two connections, and receives them in each of the ways in turn, round after round, so that
 * what disturbs the machine disturbs all alike; this program and the daemon share one CPU. "Taken" is the whole way of a library: RECV
 * with a socket, recvmsg, FDS_INSTALLED, FREE and closing what came. The last way does without a bus: a descriptor through a unix
 * socket. Prints a line for each, separated by tabs: what, median time of SEND, median time until all is taken, in microseconds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "harness.h"
#include "peer.h"

enum { BURST = 50, MOST_FDS = 16, KIB = 1024 };

static const size_t GIB = 1UL << 30;

static struct peer sender, receiver;
static int pair[2];		/* what the bus sends on [1], we receive on [0] */

static void command(struct peer *peer, unsigned long number, void *argument, const char *name)
{
	if (ioctl(peer->fd, number, argument) < 0)
		die(name, errno);
}

/* Filled, so that its pages are there as those of a file that somebody has made. */
static int sealed_file(size_t size)
{
	const int fd = memfd_create("bench", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *bytes;

	if (fd < 0 || ftruncate(fd, size) < 0)
		die("memfd_create", errno);
	bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		die("mmap", errno);
	memset(bytes, 1, size);
	munmap(bytes, size);
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		die("F_ADD_SEALS", errno);
	return fd;
}

struct message {
	struct kdbus_msg header;
	uint64_t size, type;
	union {
		struct kdbus_vec vec;
		struct kdbus_memfd memfd;
		int fds[MOST_FDS];
	};
};

static void say(uint64_t type, const void *payload, size_t payload_size)
{
	struct message message = {
		.header = { .dst_id = receiver.id, .payload_type = KDBUS_PAYLOAD_DBUS },
		.size = 16 + payload_size,
		.type = type,
	};
	struct kdbus_cmd_send send = { .size = sizeof(send), .msg_address = (uintptr_t)&message };

	message.header.size = sizeof(message.header) + ((message.size + 7) & ~7UL);
	memcpy(&message.vec, payload, payload_size);
	command(&sender, KDBUS_CMD_SEND, &send, "SEND");
}

/* Returns how many descriptors came on our end of the pair. */
static size_t collect(int *numbers)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(MOST_FDS * sizeof(int))];
	} control;
	struct kdbus_fd_message head;
	struct iovec piece = { .iov_base = &head, .iov_len = sizeof(head) };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	size_t size;

	if (recvmsg(pair[0], &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		die("recvmsg", errno);
	size = control.header.cmsg_len - CMSG_LEN(0);
	memcpy(numbers, CMSG_DATA(&control.header), size);
	return size / sizeof(int);
}

static void take(int with_descriptors)
{
	struct {
		struct kdbus_cmd_recv command;
		uint64_t size, type;
		int socket;
		uint32_t padding;
	} recv = {
		.command.size = with_descriptors ? sizeof(recv) : sizeof(recv.command),
		.size = 20,
		.type = KDBUS_ITEM_FD_SOCKET,
		.socket = pair[1],
	};
	struct kdbus_cmd_free release = { .size = sizeof(release) };

	command(&receiver, KDBUS_CMD_RECV, &recv, "RECV");
	if (recv.command.msg.return_flags)
		die("descriptors were lost", 0);
	if (with_descriptors) {
		struct {
			struct kdbus_cmd_fds_installed command;
			uint64_t size, type;
			int fds[MOST_FDS];
		} installed = { .command.offset = recv.command.msg.offset, .type = KDBUS_ITEM_FDS };
		const size_t count = collect(installed.fds);

		installed.size = 16 + count * sizeof(int);
		installed.command.size = sizeof(installed.command) + ((installed.size + 7) & ~7UL);
		command(&receiver, KDBUS_CMD_FDS_INSTALLED, &installed, "FDS_INSTALLED");
		for (size_t i = 0; i < count; i++)
			close(installed.fds[i]);
	}
	release.offset = recv.command.msg.offset;
	command(&receiver, KDBUS_CMD_FREE, &release, "FREE");
}

/* Without a bus: one byte, one descriptor. */
static void say_to_socket(int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct kdbus_fd_message head = { .count = 1 };
	struct iovec piece = { .iov_base = &head, .iov_len = sizeof(head) };
	const struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	if (sendmsg(pair[1], &message, 0) < 0)
		die("sendmsg", errno);
}

static void take_from_socket(void)
{
	int numbers[MOST_FDS];
	const size_t count = collect(numbers);

	for (size_t i = 0; i < count; i++)
		close(numbers[i]);
}

enum way { VECTOR, MEMFD_SMALL, MEMFD_LARGE, BY_VALUE, BY_VALUE_LARGER, ONE_FD, ALL_FDS, SOCKET, WAYS };

static const char *const names[WAYS] = {
	[VECTOR] = "8 bytes in a vector",
	[MEMFD_SMALL] = "a sealed memfd of 4 KiB",
	[MEMFD_LARGE] = "a sealed memfd of 1 GiB",
	[BY_VALUE] = "4 KiB of a memfd, by value",
	[BY_VALUE_LARGER] = "1 MiB of a memfd, by value",
	[ONE_FD] = "a descriptor",
	[ALL_FDS] = "16 descriptors",
	[SOCKET] = "a descriptor, unix socket alone",
};

static struct samples sends[WAYS], takes[WAYS];
static int large, fds[MOST_FDS];

static void go(enum way way)
{
	const struct kdbus_vec vec = { .size = 8, .address = (uintptr_t)sender.payload };
	struct kdbus_memfd memfd = { .size = 4 * KIB, .fd = large };

	switch (way) {
	case VECTOR:
		say(KDBUS_ITEM_PAYLOAD_VEC, &vec, sizeof(vec));
		break;
	case MEMFD_LARGE:
	case BY_VALUE_LARGER:
		memfd.size = way == MEMFD_LARGE ? GIB : KIB * KIB;
		/* fall through */
	case MEMFD_SMALL:
	case BY_VALUE:
		say(KDBUS_ITEM_PAYLOAD_MEMFD, &memfd, sizeof(memfd));
		break;
	case SOCKET:
		say_to_socket(fds[0]);
		break;
	default:
		say(KDBUS_ITEM_FDS, fds, sizeof(fds[0]) * (way == ONE_FD ? 1 : MOST_FDS));
	}
}

static void get(enum way way)
{
	if (way == SOCKET)
		take_from_socket();
	else
		take(way != VECTOR && way != BY_VALUE && way != BY_VALUE_LARGER);
}

static void measure(enum way way)
{
	for (int i = -1; i < BURST; i++) {
		uint64_t start, sent, taken;

		start = now_ns();
		go(way);
		sent = now_ns();
		get(way);
		taken = now_ns();
		if (i < 0)
			continue; /* the way is new to everybody */
		samples_add(&sends[way], sent - start);
		samples_add(&takes[way], taken - sent);
	}
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

	CPU_ZERO(&cpu);
	CPU_SET(sched_getcpu(), &cpu);
	place(getpid(), &cpu);
	place(atoi(argv[optind + 1]), &cpu);

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		die("socketpair", errno);
	large = sealed_file(GIB);
	for (int i = 0; i < MOST_FDS; i++)
		fds[i] = sealed_file(KIB);
	peer_open(&sender, argv[optind], POOL_SIZE, 8);
	peer_open(&receiver, argv[optind], POOL_SIZE, 0);
	for (int i = 0; i < rounds; i++)
		for (enum way way = 0; way < WAYS; way++)
			measure(way);
	for (enum way way = 0; way < WAYS; way++)
		printf("%s\t%.2f\t%.2f\n", names[way], samples_quantile(&sends[way], 0.5) / 1e3, samples_quantile(&takes[way], 0.5) / 1e3);
	return 0;
usage:
	fprintf(stderr, "usage: descriptors [-r ROUNDS] ENDPOINT DAEMON-PID\n");
	return 2;
}
