/* SPDX-License-Identifier: MIT
 *
 * pages ENDPOINT ROUNDS: looks for bytes in a pool that are not those of the message that lies there. A sender and a receiver exchange
 * messages of random size whose every byte is known; some stay in the pool for a while and are looked at again. Meanwhile one thread touches pages
 * all over the pool and drops the file's pages from the page cache, so that pages come and go while messages are written. Half-way nothing
 * happens for a while, so that the bus gives the pool's memory back. The receiver has mapped its pool twice, before HELLO and after.
 * Ends with 1 at the first wrong byte.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "connection.h"

#define POOL (16 << 20)
#define LARGEST (300 << 10)
#define KEPT 12
#define IDLE_SECONDS 3

static int receiver_fd;
static const unsigned char *early, *late;	/* the receiver's pool, mapped before and after HELLO */
static atomic_int over;

static struct kept {
	const struct kdbus_msg *message;
	unsigned round;
	size_t length;
} kept[KEPT];

static void check(int result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "pages: %s: %s\n", what, strerror(-result));
	exit(1);
}

static unsigned char byte_of(unsigned round, size_t at)
{
	return 1 + (round * 31 + at * 7 + (at >> 12)) % 251;	/* never 0, and different in each page */
}

static void *disturb(void *unused)
{
	unsigned seed = 1, sum = 0;

	while (!over) {
		for (int i = 0; i < 100; i++)
			sum += ((const volatile unsigned char *)late)[rand_r(&seed) % (4 << 20)];
		posix_fadvise(receiver_fd, 0, 0, POSIX_FADV_DONTNEED);
	}
	return (void *)(uintptr_t)(sum & (uintptr_t)unused);
}

static void look(const struct kept *one, const unsigned char *pool)
{
	const struct kdbus_msg *message = (const void *)(pool + ((const unsigned char *)one->message - late));
	const struct kdbus_item *item = message->items;
	const unsigned char *bytes = (const unsigned char *)message + item->vec.offset;

	if (item->type != KDBUS_ITEM_PAYLOAD_OFF || item->vec.size != one->length || message->cookie != one->round) {
		fprintf(stderr, "pages: round %u: not the message that was sent\n", one->round);
		exit(1);
	}
	for (size_t i = 0; i < one->length; i++) {
		if (bytes[i] == byte_of(one->round, i))
			continue;
		fprintf(stderr, "pages: round %u: byte %zu of %zu is %u, not %u (pool offset %zu)\n", one->round, i, one->length,
			bytes[i], byte_of(one->round, i), (size_t)(bytes + i - pool));
		exit(1);
	}
}

static void send_round(struct connection *sender, __u64 to, unsigned round, const void *payload, size_t length)
{
	struct {
		struct kdbus_msg header;
		__u64 size, type;
		struct kdbus_vec vec;
	} message = {
		.header = { .size = sizeof(message), .dst_id = to, .cookie = round, .payload_type = KDBUS_PAYLOAD_DBUS },
		.size = 16 + sizeof(struct kdbus_vec),
		.type = KDBUS_ITEM_PAYLOAD_VEC,
		.vec = { .size = length, .address = (uintptr_t)payload },
	};
	struct kdbus_cmd_send send = { .size = sizeof(send), .msg_address = (uintptr_t)&message };

	check(ioctl(sender->fd, KDBUS_CMD_SEND, &send) < 0 ? -errno : 0, "send");
}

static __u64 hello(const char *endpoint)
{
	struct kdbus_cmd_hello hello = { .size = sizeof(hello), .pool_size = POOL };
	struct kdbus_cmd_free free_command = { .size = sizeof(free_command) };

	receiver_fd = open(endpoint, O_RDWR | O_CLOEXEC);
	check(receiver_fd < 0 ? -errno : 0, endpoint);
	early = mmap(NULL, POOL, PROT_READ, MAP_SHARED, receiver_fd, 0);
	check(early == MAP_FAILED ? -errno : 0, "mmap before HELLO");
	check(ioctl(receiver_fd, KDBUS_CMD_HELLO, &hello) < 0 ? -errno : 0, "HELLO");
	late = mmap(NULL, POOL, PROT_READ, MAP_SHARED, receiver_fd, 0);
	check(late == MAP_FAILED ? -errno : 0, "mmap after HELLO");
	free_command.offset = hello.offset;
	check(ioctl(receiver_fd, KDBUS_CMD_FREE, &free_command) < 0 ? -errno : 0, "FREE");
	return hello.id;
}

int main(int argc, char **argv)
{
	static unsigned char payload[LARGEST];
	const unsigned rounds = argc == 3 ? atoi(argv[2]) : 0;
	struct connection sender, receiver = { .descriptors = { -1, -1 } };
	pthread_t disturber;

	if (rounds == 0) {
		fprintf(stderr, "usage: pages ENDPOINT ROUNDS\n");
		return 2;
	}
	check(connection_open(&sender, argv[1], "pages.sender"), argv[1]);
	receiver.id = hello(argv[1]);
	receiver.fd = receiver_fd;
	receiver.pool = late;
	receiver.pool_size = POOL;
	check(-pthread_create(&disturber, NULL, disturb, NULL), "pthread_create");

	for (unsigned round = 1; round <= rounds; round++) {
		struct kept *one = &kept[random() % KEPT];

		one->length = 1 + random() % (random() % 3 ? 5000 : LARGEST);
		one->round = round;
		for (size_t i = 0; i < one->length; i++)
			payload[i] = byte_of(round, i);
		send_round(&sender, receiver.id, round, payload, one->length);
		if (one->message)
			check(connection_free(&receiver, one->message), "free");
		check(connection_receive(&receiver, 30000, &one->message), "receive");
		look(one, late);
		look(one, early);
		for (int i = 0; i < KEPT && round % 8 == 0; i++)
			if (kept[i].message)
				look(&kept[i], round % 16 ? late : early);
		for (int i = 0; i < KEPT && round == rounds / 2; i++) {
			if (kept[i].message)
				check(connection_free(&receiver, kept[i].message), "free");
			kept[i].message = NULL;
		}
		if (round == rounds / 2)
			sleep(IDLE_SECONDS);
	}
	over = 1;
	pthread_join(disturber, NULL);
	printf("%u\n", rounds);
	return 0;
}
