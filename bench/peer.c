/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "harness.h"
#include "peer.h"
#include "recycled.h"

struct message {
	struct kdbus_msg header;
	union {
		struct kdbus_item item;
		unsigned char room[40];
	};
};

/* A command's item with one descriptor, padded. */
struct fd_item {
	uint64_t size, type;
	int fd;
	uint32_t padding;
};

#define FD_SOCKET(peer) { .size = 20, .type = KDBUS_ITEM_FD_SOCKET, .fd = (peer)->sockets[1] }

void peer_command(struct peer *peer, unsigned long number, void *argument, const char *name)
{
	if (ioctl(peer->fd, number, argument) < 0)
		die(name, errno);
}

void peer_free(struct peer *peer, uint64_t offset)
{
	struct kdbus_cmd_free free = { .size = sizeof(free), .offset = offset };

	peer_command(peer, KDBUS_CMD_FREE, &free, "FREE");
}

void peer_open(struct peer *peer, const char *endpoint, size_t pool_size, size_t largest)
{
	struct kdbus_cmd_hello hello = { .size = sizeof(hello), .flags = KDBUS_HELLO_ACCEPT_FD, .pool_size = pool_size };

	*peer = (struct peer){ .fd = open(endpoint, O_RDONLY | O_CLOEXEC), .sockets = { -1, -1 }, .memfd = -1 };
	if (peer->fd < 0)
		die(endpoint, errno);
	peer_command(peer, KDBUS_CMD_HELLO, &hello, "HELLO");
	peer->id = hello.id;
	peer->pool = mmap(NULL, pool_size, PROT_READ, MAP_SHARED, peer->fd, 0);
	if (peer->pool == MAP_FAILED)
		die("mmap of the pool", errno);
	peer_free(peer, hello.offset);
	if (largest)
		peer->payload = payload_make(largest);
}

void peer_recycle(struct peer *peer)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, peer->sockets) < 0)
		die("socketpair", errno);
}

size_t peer_put_payload(struct peer *peer, struct kdbus_item *item, size_t size)
{
	if (peer->sockets[0] < 0) {
		payload_set(peer->payload, size);
		item->size = offsetof(struct kdbus_item, data) + sizeof(item->vec);
		item->type = KDBUS_ITEM_PAYLOAD_VEC;
		item->vec = (struct kdbus_vec){ .size = size, .address = (uintptr_t)peer->payload };
		return item->size;
	}
	if (peer->memfd_size != size) {
		if (peer->memfd >= 0)
			close(peer->memfd);
		peer->memfd = recycled_make(size);
		peer->memfd_size = size;
	}
	item->size = offsetof(struct kdbus_item, data) + sizeof(item->memfd);
	item->type = KDBUS_ITEM_PAYLOAD_MEMFD;
	item->memfd = (struct kdbus_memfd){ .size = size, .fd = peer->memfd };
	return item->size;
}

static struct kdbus_msg_info send_payload(struct peer *peer, uint64_t send_flags, struct kdbus_msg header, size_t size)
{
	struct message message = { .header = header };
	struct {
		struct kdbus_cmd_send command;
		struct fd_item socket;
	} send = { .command = { .flags = send_flags, .msg_address = (uintptr_t)&message }, .socket = FD_SOCKET(peer) };

	message.header.size = sizeof(header) + peer_put_payload(peer, &message.item, size);
	message.header.payload_type = KDBUS_PAYLOAD_DBUS;
	send.command.size = send_flags && peer->sockets[0] >= 0 ? sizeof(send) : sizeof(send.command);
	peer_command(peer, KDBUS_CMD_SEND, &send, "SEND");
	return send.command.reply;
}

static int try_recv(struct peer *peer, uint64_t *offset)
{
	struct {
		struct kdbus_cmd_recv command;
		struct fd_item socket;
	} recv = { .socket = FD_SOCKET(peer) };

	recv.command.size = peer->sockets[0] >= 0 ? sizeof(recv) : sizeof(recv.command);
	if (ioctl(peer->fd, KDBUS_CMD_RECV, &recv) < 0) {
		if (errno == EAGAIN)
			return 0;
		die("RECV", errno);
	}
	*offset = recv.command.msg.offset;
	return 1;
}

static void await(struct peer *peer)
{
	struct pollfd readable = { .fd = peer->fd, .events = POLLIN };

	if (poll(&readable, 1, -1) < 0)
		die("poll", errno);
}

void peer_send(struct peer *peer, struct kdbus_msg header, size_t size)
{
	send_payload(peer, 0, header, size);
}

const struct kdbus_msg *peer_receive(struct peer *peer, uint64_t *offset)
{
	while (!try_recv(peer, offset))
		await(peer);
	return (const struct kdbus_msg *)(peer->pool + *offset);
}

/* As a main loop does it: where somebody waits for an answer, there is rarely one yet. */
static const struct kdbus_msg *receive(struct peer *peer, uint64_t *offset)
{
	await(peer);
	return peer_receive(peer, offset);
}

static const unsigned char *take_memfd(struct peer *peer, const struct kdbus_msg *message, size_t size)
{
	struct {
		struct kdbus_cmd_fds_installed command;
		struct fd_item numbers;
	} installed = {
		.command = { .size = sizeof(installed), .offset = (const unsigned char *)message - peer->pool },
		.numbers = { .size = 20, .type = KDBUS_ITEM_FDS, .fd = recycled_collect(peer->sockets[0]) },
	};

	if (installed.numbers.fd < 0)
		die("the memfd of a message did not arrive", 0);
	peer_command(peer, KDBUS_CMD_FDS_INSTALLED, &installed, "FDS_INSTALLED");
	return recycled_open(installed.numbers.fd, size);
}

size_t peer_check(struct peer *peer, const struct kdbus_msg *message)
{
	const struct kdbus_item *item = message->items;

	if (item->type == KDBUS_ITEM_PAYLOAD_OFF) {
		payload_check((const unsigned char *)message + item->vec.offset, item->vec.size);
		return item->vec.size;
	}
	if (item->type != KDBUS_ITEM_PAYLOAD_MEMFD)
		die("a message without payload arrived", 0);
	payload_check(take_memfd(peer, message, item->memfd.size), item->memfd.size);
	return item->memfd.size;
}

struct kdbus_msg peer_request(struct peer *peer, uint64_t to)
{
	return (struct kdbus_msg){
		.flags = KDBUS_MSG_EXPECT_REPLY,
		.dst_id = to,
		.cookie = ++peer->cookie,
		.timeout_ns = now_ns() + DEADLINE_S * 1000000000ULL,
	};
}

void peer_call(struct peer *peer, uint64_t to, size_t size)
{
	const struct kdbus_msg *answer;
	uint64_t offset;

	send_payload(peer, 0, peer_request(peer, to), size);
	answer = receive(peer, &offset);
	if (answer->cookie_reply != peer->cookie || peer_check(peer, answer) != size)
		die("the wrong answer arrived", 0);
	peer_free(peer, offset);
}

void peer_call_sync(struct peer *peer, uint64_t to, size_t size)
{
	const struct kdbus_msg_info reply = send_payload(peer, KDBUS_SEND_SYNC_REPLY, peer_request(peer, to), size);
	const struct kdbus_msg *answer = (const struct kdbus_msg *)(peer->pool + reply.offset);

	if (answer->cookie_reply != peer->cookie || peer_check(peer, answer) != size)
		die("the wrong answer arrived", 0);
	peer_free(peer, reply.offset);
}

void peer_serve(struct peer *peer)
{
	for (;;) {
		uint64_t offset;
		const struct kdbus_msg *question = receive(peer, &offset);
		const struct kdbus_msg answer = { .dst_id = question->src_id, .cookie_reply = question->cookie };
		const size_t size = peer_check(peer, question);

		peer_free(peer, offset);
		send_payload(peer, 0, answer, size);
	}
}
