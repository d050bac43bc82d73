/* SPDX-License-Identifier: MIT
 *
 * restless ENDPOINT churn|userfault: a client that sends itself payload from memory that makes trouble.
 *   churn      other threads map, unmap and protect the memory all the time. For each line of input: "SENT FAILED".
 *   userfault  four threads send from memory whose faults nobody handles, userfaultfd(2); writes "stuck" when all four faults are there.
 *              Without the privilege for faults of the kernel it writes "refused" instead.
 * It ends at the end of its input.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/userfaultfd.h>
#include "connection.h"

#define MEMORY (256UL << 20)
#define PAYLOAD (20 << 10)		/* copied by itself, and four of them are within what one user may queue */
#define STUCK 4

static struct connection self;
static unsigned char *memory;
static atomic_ulong sent, failed;

static void check(int result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "restless: %s: %s\n", what, strerror(-result));
	exit(1);
}

static int send_from(const void *payload, size_t size)
{
	struct {
		struct kdbus_msg header;
		__u64 size, type;
		struct kdbus_vec vec;
	} message = {
		.header = { .size = sizeof(message), .dst_id = self.id, .payload_type = KDBUS_PAYLOAD_DBUS },
		.size = 16 + sizeof(struct kdbus_vec),
		.type = KDBUS_ITEM_PAYLOAD_VEC,
		.vec = { .size = size, .address = (uintptr_t)payload },
	};
	struct kdbus_cmd_send send = { .size = sizeof(send), .msg_address = (uintptr_t)&message };

	return ioctl(self.fd, KDBUS_CMD_SEND, &send) < 0 ? -errno : 0;
}

static void *send_all_the_time(void *unused)
{
	unsigned seed = 1;

	for (;;) {
		const struct kdbus_msg *message;
		const int result = send_from(memory + rand_r(&seed) % (MEMORY - PAYLOAD), PAYLOAD);

		if (result == 0) {
			sent++;
			check(connection_receive(&self, 0, &message), "receive");
			check(connection_free(&self, message), "free");
		} else if (result == -EFAULT) {
			failed++;
		} else {
			check(result, "send");
		}
	}
	return unused;
}

static void *churn(void *argument)
{
	unsigned seed = (uintptr_t)argument;

	for (;;) {
		unsigned char *part = memory + ((size_t)rand_r(&seed) % (MEMORY / 4) & ~4095UL);

		mprotect(part, MEMORY / 2, PROT_NONE);
		mprotect(part, MEMORY / 2, PROT_READ | PROT_WRITE);
		munmap(part, MEMORY / 64);
		mmap(part, MEMORY / 64, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	}
	return NULL;
}

static void *send_once(void *payload)
{
	send_from(payload, PAYLOAD);
	return NULL;
}

/* Returns a userfaultfd for faults that the kernel takes, too; or a negative errno. */
static int register_faults(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .range = { (uintptr_t)memory, MEMORY }, .mode = UFFDIO_REGISTER_MODE_MISSING };
	const int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (ioctl(fd, UFFDIO_API, &api) < 0 || ioctl(fd, UFFDIO_REGISTER, &range) < 0)
		return -errno;
	return fd;
}

static void start(void *(*routine)(void *), void *argument)
{
	pthread_t thread;

	check(-pthread_create(&thread, NULL, routine, argument), "pthread_create");
}

int main(int argc, char **argv)
{
	const int faults = argc == 3 && strcmp(argv[2], "userfault") == 0;
	char line[64];

	if (argc != 3 || (!faults && strcmp(argv[2], "churn") != 0)) {
		fprintf(stderr, "usage: restless ENDPOINT churn|userfault\n");
		return 2;
	}
	memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(memory == MAP_FAILED ? -errno : 0, "mmap");
	check(connection_open(&self, argv[1], "restless"), argv[1]);
	if (faults) {
		const int fd = register_faults();
		struct uffd_msg fault;

		if (fd < 0) {
			puts("refused");
		} else {
			for (int i = 0; i < STUCK; i++)
				start(send_once, memory + i * (1 << 20));
			for (int seen = 0; seen < STUCK;) {
				struct pollfd ready = { .fd = fd, .events = POLLIN };

				check(poll(&ready, 1, -1), "poll");
				seen += read(fd, &fault, sizeof(fault)) == sizeof(fault);
			}
			puts("stuck");
		}
		fflush(stdout);
	} else {
		start(send_all_the_time, NULL);
		start(churn, (void *)1);
		start(churn, (void *)2);
	}
	while (fgets(line, sizeof(line), stdin)) {
		printf("%lu %lu\n", atomic_exchange(&sent, 0), atomic_exchange(&failed, 0));
		fflush(stdout);
	}
	/* The threads stay where they are. */
	_exit(0);
}
