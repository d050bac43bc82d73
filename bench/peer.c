/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "harness.h"
#include "peer.h"

#define DEADLINE_NS 30000000000ULL

struct message {
	struct kdbus_msg header;
	uint64_t item_size, item_type;
	struct kdbus_vec vec;
};

static void command(struct peer *peer, unsigned long number, void *argument, const char *name)
{
	if (ioctl(peer->fd, number, argument) < 0)
		die(name, errno);
}

static void free_offset(struct peer *peer, uint64_t offset)
{
	struct kdbus_cmd_free free = { .size = sizeof(free), .offset = offset };

	command(peer, KDBUS_CMD_FREE, &free, "FREE");
}

void peer_open(struct peer *peer, const char *endpoint, size_t pool_size, size_t largest)
{
	struct kdbus_cmd_hello hello = { .size = sizeof(hello), .flags = KDBUS_HELLO_ACCEPT_FD, .pool_size = pool_size };

	*peer = (struct peer){ .fd = open(endpoint, O_RDONLY | O_CLOEXEC) };
	if (peer->fd < 0)
		die(endpoint, errno);
	command(peer, KDBUS_CMD_HELLO, &hello, "HELLO");
	peer->id = hello.id;
	peer->pool = mmap(NULL, pool_size, PROT_READ, MAP_SHARED, peer->fd, 0);
	if (peer->pool == MAP_FAILED)
		die("mmap of the pool", errno);
	free_offset(peer, hello.offset);
	if (largest) {
		peer->payload = malloc(largest);
		if (!peer->payload)
			die("no memory for a payload", ENOMEM);
		memset(peer->payload, 'x', largest);
	}
}

static struct kdbus_msg_info send_payload(struct peer *peer, uint64_t send_flags, struct kdbus_msg header, size_t size)
{
	struct message message = {
		.header = header,
		.item_size = offsetof(struct kdbus_item, data) + sizeof(message.vec),
		.item_type = KDBUS_ITEM_PAYLOAD_VEC,
		.vec = { .size = size, .address = (uintptr_t)peer->payload },
	};
	struct kdbus_cmd_send send = { .size = sizeof(send), .flags = send_flags, .msg_address = (uintptr_t)&message };

	message.header.size = sizeof(message);
	message.header.payload_type = KDBUS_PAYLOAD_DBUS;
	memcpy(peer->payload, &(uint64_t){ size }, sizeof(uint64_t));
	command(peer, KDBUS_CMD_SEND, &send, "SEND");
	return send.reply;
}

static const struct kdbus_msg *receive(struct peer *peer, uint64_t *offset)
{
	struct pollfd readable = { .fd = peer->fd, .events = POLLIN };
	struct kdbus_cmd_recv recv = { .size = sizeof(recv) };

	if (poll(&readable, 1, -1) < 0)
		die("poll", errno);
	command(peer, KDBUS_CMD_RECV, &recv, "RECV");
	*offset = recv.msg.offset;
	return (const struct kdbus_msg *)(peer->pool + recv.msg.offset);
}

/* Looks at the payload, which is in one piece as it was sent in one, and tells its size. */
static size_t check(const struct kdbus_msg *message)
{
	const struct kdbus_item *item = message->items;
	const unsigned char *payload = (const unsigned char *)message + item->vec.offset;
	uint64_t size;

	if (item->type != KDBUS_ITEM_PAYLOAD_OFF)
		die("a message without payload arrived", 0);
	memcpy(&size, payload, sizeof(size));
	if (size != item->vec.size || (size > 8 && payload[size - 1] != 'x'))
		die("a message arrived with the wrong payload", 0);
	look_at(payload, size);
	return size;
}

static struct kdbus_msg request(struct peer *peer, uint64_t to)
{
	return (struct kdbus_msg){
		.flags = KDBUS_MSG_EXPECT_REPLY,
		.dst_id = to,
		.cookie = ++peer->cookie,
		.timeout_ns = now_ns() + DEADLINE_NS,
	};
}

void peer_call(struct peer *peer, uint64_t to, size_t size)
{
	const struct kdbus_msg *answer;
	uint64_t offset;

	send_payload(peer, 0, request(peer, to), size);
	answer = receive(peer, &offset);
	if (answer->cookie_reply != peer->cookie || check(answer) != size)
		die("the wrong answer arrived", 0);
	free_offset(peer, offset);
}

void peer_call_sync(struct peer *peer, uint64_t to, size_t size)
{
	const struct kdbus_msg_info reply = send_payload(peer, KDBUS_SEND_SYNC_REPLY, request(peer, to), size);
	const struct kdbus_msg *answer = (const struct kdbus_msg *)(peer->pool + reply.offset);

	if (answer->cookie_reply != peer->cookie || check(answer) != size)
		die("the wrong answer arrived", 0);
	free_offset(peer, reply.offset);
}

void peer_serve(struct peer *peer)
{
	for (;;) {
		uint64_t offset;
		const struct kdbus_msg *question = receive(peer, &offset);
		const struct kdbus_msg answer = { .dst_id = question->src_id, .cookie_reply = question->cookie };
		const size_t size = check(question);

		free_offset(peer, offset);
		send_payload(peer, 0, answer, size);
	}
}
