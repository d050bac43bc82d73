/* SPDX-License-Identifier: MIT
 *
 * flood ENDPOINT UID WHAT: a user who takes as much as he can get. WHAT is
 *   signals    signals that pass every bloom mask, to everybody, one after the other;
 *   matches    as many connections as he may have, each with as many matches as it may have;
 *   NAME       messages to the owner of a name, one after the other, out of four connections.
 * For each line on standard input it writes "DONE REFUSED": what has succeeded since the last line and what has not.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "connection.h"

#define ITEM_HEADER offsetof(struct kdbus_item, data)
#define ALIGN8(n) (((n) + 7) & ~(size_t)7)
#define BLOOM_SIZE 64
#define SENDERS 4
#define TEXT_SIZE 2000

static unsigned long done, refused;

static void count(int result)
{
	if (result < 0)
		refused++;
	else
		done++;
}

/* Tells what was done if somebody asks; does not come back when nobody will any more. */
static void report(int wait_ms)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	char line[64];

	if (poll(&input, 1, wait_ms) <= 0)
		return;
	if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
		exit(0);
	printf("%lu %lu\n", done, refused);
	fflush(stdout);
	done = refused = 0;
}

static int send_message(int fd, struct kdbus_msg *message)
{
	struct kdbus_cmd_send send = { .size = sizeof(send), .msg_address = (__u64)message };

	message->payload_type = KDBUS_PAYLOAD_DBUS;
	return ioctl(fd, KDBUS_CMD_SEND, &send) < 0 ? -errno : 0;
}

static struct kdbus_item *add_item(struct kdbus_msg *message, __u64 type, size_t size)
{
	struct kdbus_item *item = (struct kdbus_item *)((char *)message + ALIGN8(message->size));

	item->type = type;
	item->size = ITEM_HEADER + size;
	message->size = ALIGN8(message->size) + item->size;
	return item;
}

static int flood_signals(const char *endpoint)
{
	static __u64 room[64];
	struct kdbus_msg *message = (struct kdbus_msg *)room;
	struct connection connection;

	if (connection_open(&connection, endpoint, "flood") < 0)
		return 1;
	message->size = sizeof(*message);
	message->flags = KDBUS_MSG_SIGNAL;
	message->dst_id = KDBUS_DST_ID_BROADCAST;
	memset(add_item(message, KDBUS_ITEM_BLOOM_FILTER, sizeof(__u64) + BLOOM_SIZE)->data + sizeof(__u64), 0xff, BLOOM_SIZE);
	for (;;) {
		count(send_message(connection.fd, message));
		report(0);
	}
}

static int flood_name(const char *endpoint, const char *name)
{
	static __u64 room[64];
	static char text[TEXT_SIZE];
	struct kdbus_msg *message = (struct kdbus_msg *)room;
	struct connection connections[SENDERS];

	for (int i = 0; i < SENDERS; i++)
		if (connection_open(&connections[i], endpoint, "flood") < 0)
			return 1;
	message->size = sizeof(*message);
	strcpy(add_item(message, KDBUS_ITEM_DST_NAME, strlen(name) + 1)->str, name);
	struct kdbus_item *payload = add_item(message, KDBUS_ITEM_PAYLOAD_VEC, sizeof(struct kdbus_vec));

	payload->vec.address = (__u64)text;
	payload->vec.size = sizeof(text);
	for (unsigned i = 0;; i++) {
		count(send_message(connections[i % SENDERS].fd, message));
		report(0);
	}
}

/* A mask that all filters of a flood pass, but only with the last of its bits. */
static int add_match(int fd, unsigned number)
{
	struct {
		struct kdbus_cmd_match command;
		__u64 size, type;
		unsigned char mask[BLOOM_SIZE];
	} add = { .command = { .size = sizeof(add), .cookie = number }, .size = ITEM_HEADER + BLOOM_SIZE, .type = KDBUS_ITEM_BLOOM_MASK };

	add.mask[number / 8 % BLOOM_SIZE] = 1 << number % 8;
	return ioctl(fd, KDBUS_CMD_MATCH_ADD, &add) < 0 ? -errno : 0;
}

static void flood_matches(const char *endpoint)
{
	const struct rlimit files = { 4096, 4096 };
	struct connection connection;

	setrlimit(RLIMIT_NOFILE, &files);
	for (;;) {
		const int opened = connection_open(&connection, endpoint, "flood");

		if (opened < 0) {
			/* No more for anybody of this user: what there is stays. */
			refused++;
			report(-1);
			continue;
		}
		for (unsigned i = 0; add_match(connection.fd, i) == 0; i++)
			done++;
	}
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: flood ENDPOINT UID signals|matches|NAME\n");
		return 2;
	}
	if (setresgid(atoi(argv[2]), atoi(argv[2]), atoi(argv[2])) < 0 || setresuid(atoi(argv[2]), atoi(argv[2]), atoi(argv[2])) < 0) {
		perror("flood: setresuid");
		return 1;
	}
	if (strcmp(argv[3], "signals") == 0)
		return flood_signals(argv[1]);
	if (strcmp(argv[3], "matches") == 0)
		flood_matches(argv[1]);
	return flood_name(argv[1], argv[3]);
}
