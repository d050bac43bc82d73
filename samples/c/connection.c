/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "connection.h"

#define ALIGN8(n) (((n) + 7) & ~(__u64)7)
#define ITEM_HEADER offsetof(struct kdbus_item, data)
#define NOWHERE (~0ULL)

static int command(int fd, unsigned long number, void *argument)
{
	return ioctl(fd, number, argument) < 0 ? -errno : 0;
}

static const struct kdbus_item *next_item(const struct kdbus_item *item)
{
	return (const struct kdbus_item *)((const char *)item + ALIGN8(item->size));
}

static int free_offset(int fd, __u64 offset)
{
	struct kdbus_cmd_free free_command = { .size = sizeof(free_command), .offset = offset };

	return command(fd, KDBUS_CMD_FREE, &free_command);
}

int connection_open(struct connection *connection, const char *endpoint, const char *description)
{
	const size_t length = description ? strlen(description) + 1 : 0;
	const size_t size = sizeof(struct kdbus_cmd_hello) + (length ? ALIGN8(ITEM_HEADER + length) : 0);
	struct kdbus_cmd_hello *hello = calloc(1, size);
	void *pool;
	int result;

	if (!hello)
		return -ENOMEM;
	hello->size = size;
	hello->flags = KDBUS_HELLO_ACCEPT_FD;
	hello->attach_flags_send = _KDBUS_ATTACH_ANY;
	hello->pool_size = 1 << 20;
	if (length) {
		hello->items[0].size = ITEM_HEADER + length;
		hello->items[0].type = KDBUS_ITEM_CONN_DESCRIPTION;
		memcpy(hello->items[0].str, description, length);
	}

	/* Read-only: only then can nobody, not even we ourselves, change what the bus wrote into the pool. */
	connection->fd = open(endpoint, O_RDONLY | O_CLOEXEC);
	result = connection->fd < 0 ? -errno : command(connection->fd, KDBUS_CMD_HELLO, hello);
	if (result < 0)
		goto failed;
	pool = mmap(NULL, hello->pool_size, PROT_READ, MAP_SHARED, connection->fd, 0);
	if (pool == MAP_FAILED) {
		result = -errno;
		goto failed;
	}
	connection->id = hello->id;
	connection->pool_size = hello->pool_size;
	connection->pool = pool;

	/* HELLO told the bloom parameters of the bus there. We neither send nor receive signals. */
	result = free_offset(connection->fd, hello->offset);
	free(hello);
	if (result < 0)
		connection_close(connection);
	return result;

failed:
	if (connection->fd >= 0)
		close(connection->fd);
	free(hello);
	return result;
}

void connection_close(struct connection *connection)
{
	munmap((void *)connection->pool, connection->pool_size);
	close(connection->fd);
}

static __u64 monotonic_in_ms(unsigned ms)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000000000 + now.tv_nsec + (__u64)ms * 1000000;
}

/* A message with one item: the text, which stays where it is. The bus copies it from here straight into the receiver's pool. */
static int send_text(struct connection *connection, __u64 send_flags, struct kdbus_msg header, const char *text,
		     struct kdbus_msg_info *reply)
{
	struct kdbus_item payload = {
		.size = ITEM_HEADER + sizeof(struct kdbus_vec),
		.type = KDBUS_ITEM_PAYLOAD_VEC,
		.vec = { .size = strlen(text), .address = (uintptr_t)text },
	};
	__u64 message[(sizeof(struct kdbus_msg) + ITEM_HEADER + sizeof(struct kdbus_vec)) / sizeof(__u64)];
	struct kdbus_cmd_send send = {
		.size = sizeof(send),
		.flags = send_flags,
		.msg_address = (uintptr_t)message,
	};
	int result;

	header.size = sizeof(message);
	header.payload_type = KDBUS_PAYLOAD_DBUS + 1;	/* ours: plain text */
	memcpy(message, &header, sizeof(header));
	memcpy((char *)message + sizeof(header), &payload, payload.size);

	result = command(connection->fd, KDBUS_CMD_SEND, &send);
	if (result == 0 && reply)
		*reply = send.reply;
	return result;
}

int connection_send(struct connection *connection, __u64 to, __u64 cookie_reply, const char *text)
{
	return send_text(connection, 0, (struct kdbus_msg){ .dst_id = to, .cookie_reply = cookie_reply }, text, NULL);
}

int connection_request(struct connection *connection, __u64 to, __u64 cookie, const char *text, unsigned timeout_ms)
{
	const struct kdbus_msg header = {
		.flags = KDBUS_MSG_EXPECT_REPLY,
		.dst_id = to,
		.cookie = cookie,
		.timeout_ns = monotonic_in_ms(timeout_ms),
	};

	return send_text(connection, 0, header, text, NULL);
}

int connection_call(struct connection *connection, __u64 to, __u64 cookie, const char *text, unsigned timeout_ms,
		    const struct kdbus_msg **answer)
{
	const struct kdbus_msg header = {
		.flags = KDBUS_MSG_EXPECT_REPLY,
		.dst_id = to,
		.cookie = cookie,
		.timeout_ns = monotonic_in_ms(timeout_ms),
	};
	struct kdbus_msg_info reply;
	const int result = send_text(connection, KDBUS_SEND_SYNC_REPLY, header, text, &reply);

	if (result == 0)
		*answer = (const struct kdbus_msg *)(connection->pool + reply.offset);
	return result;
}

int connection_receive(struct connection *connection, int timeout_ms, const struct kdbus_msg **message)
{
	for (;;) {
		struct kdbus_cmd_recv recv = { .size = sizeof(recv) };
		struct pollfd ready = { .fd = connection->fd, .events = POLLIN };
		int result = command(connection->fd, KDBUS_CMD_RECV, &recv);

		if (result == 0)
			*message = (const struct kdbus_msg *)(connection->pool + recv.msg.offset);
		if (result != -EAGAIN)
			return result;

		result = poll(&ready, 1, timeout_ms);
		if (result < 0 && errno != EINTR)
			return -errno;
		if (result == 0)
			return -ETIMEDOUT;
	}
}

int connection_free(struct connection *connection, const void *in_pool)
{
	return free_offset(connection->fd, (const unsigned char *)in_pool - connection->pool);
}

static int append(char *text, size_t size, size_t *used, const void *bytes, size_t length)
{
	if (length >= size - *used)
		return -EMSGSIZE;
	if (bytes)
		memcpy(text + *used, bytes, length);
	else
		memset(text + *used, 0, length);
	*used += length;
	return 0;
}

/* The payload is the concatenation of its parts; where one part ends and the next begins means nothing. */
int connection_text(const struct kdbus_msg *message, char *text, size_t size)
{
	const struct kdbus_item *end = (const struct kdbus_item *)((const char *)message + message->size);
	size_t used = 0;
	int result = 0;

	for (const struct kdbus_item *item = message->items; item < end && result == 0; item = next_item(item)) {
		if (item->type == KDBUS_ITEM_PAYLOAD_OFF) {
			const void *bytes = (const char *)message + item->vec.offset;

			result = append(text, size, &used, item->vec.offset == NOWHERE ? NULL : bytes, item->vec.size);
		} else if (item->type == KDBUS_ITEM_PAYLOAD_MEMFD) {
			ssize_t n = -1;

			if (item->memfd.fd < 0)
				return -EBADF;
			if (item->memfd.size < size - used)
				n = pread(item->memfd.fd, text + used, item->memfd.size, item->memfd.start);
			close(item->memfd.fd);
			if (n < 0 || (__u64)n != item->memfd.size)
				return -EMSGSIZE;
			used += n;
		} else if (item->type == KDBUS_ITEM_FDS) {
			/* Descriptors nobody asked for are open all the same, and ours to close. */
			for (size_t i = 0; i < (item->size - ITEM_HEADER) / sizeof(int); i++)
				if (item->fds[i] >= 0)
					close(item->fds[i]);
		}
	}
	text[used] = '\0';
	return result;
}

int connection_find_other(struct connection *connection, __u64 *id)
{
	struct kdbus_cmd_list list = { .size = sizeof(list), .flags = KDBUS_LIST_UNIQUE };
	const unsigned char *record;
	int result = command(connection->fd, KDBUS_CMD_LIST, &list);
	__u64 lowest = 0;

	if (result < 0)
		return result;
	record = connection->pool + list.offset;
	while (record < connection->pool + list.offset + list.list_size) {
		const struct kdbus_info *info = (const struct kdbus_info *)record;

		if (info->id != connection->id && (lowest == 0 || info->id < lowest))
			lowest = info->id;
		record += ALIGN8(info->size);
	}
	result = free_offset(connection->fd, list.offset);
	if (result < 0)
		return result;
	*id = lowest;
	return lowest ? 0 : -ENOENT;
}
