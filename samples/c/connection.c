/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "connection.h"
#include "frame.h"

#define NOWHERE (~0ULL)

static int free_offset(int fd, __u64 offset)
{
	struct kdbus_cmd_free command = { .size = sizeof(command), .offset = offset };

	return issue(fd, KDBUS_CMD_FREE, &command);
}

void connection_prepare(struct frame *hello, const char *description)
{
	frame_begin(hello, sizeof(hello->hello));
	hello->hello.flags = KDBUS_HELLO_ACCEPT_FD;
	hello->hello.attach_flags_send = _KDBUS_ATTACH_ANY;
	hello->hello.pool_size = 1 << 20;
	if (description)
		frame_add_text(hello, KDBUS_ITEM_CONN_DESCRIPTION, description);
}

/* HELLO told what filters are like on this bus, in an item in the pool. */
static int read_bloom_parameter(struct connection *connection, const struct kdbus_cmd_hello *hello)
{
	const struct kdbus_item *item = (const struct kdbus_item *)(connection->pool + hello->offset);
	int result;

	connection->bloom = item->bloom_parameter;
	result = free_offset(connection->fd, hello->offset);
	/* A policy holder cannot give room back. It gets nothing else either. */
	return result == -EOPNOTSUPP && (hello->flags & KDBUS_HELLO_POLICY_HOLDER) ? 0 : result;
}

int connection_hello(struct connection *connection, const char *endpoint, struct frame *hello)
{
	void *pool;
	int result;

	/* Read-only: only then can nobody, not even we ourselves, change what the bus wrote into the pool. */
	connection->fd = open(endpoint, O_RDONLY | O_CLOEXEC);
	if (connection->fd < 0)
		return -errno;
	result = descriptors_open(&connection->descriptors);
	if (result < 0)
		goto failed;
	result = frame_issue(hello, connection->fd, KDBUS_CMD_HELLO);
	if (result < 0)
		goto failed_hello;
	pool = mmap(NULL, hello->hello.pool_size, PROT_READ, MAP_SHARED, connection->fd, 0);
	if (pool == MAP_FAILED) {
		result = -errno;
		goto failed_hello;
	}
	connection->id = hello->hello.id;
	connection->pool_size = hello->hello.pool_size;
	connection->pool = pool;
	connection->dropped = 0;

	result = read_bloom_parameter(connection, &hello->hello);
	if (result < 0)
		connection_close(connection);
	return result;

failed_hello:
	descriptors_close(&connection->descriptors);
failed:
	close(connection->fd);
	return result;
}

int connection_open(struct connection *connection, const char *endpoint, const char *description)
{
	struct frame hello;

	connection_prepare(&hello, description);
	return connection_hello(connection, endpoint, &hello);
}

void connection_close(struct connection *connection)
{
	munmap((void *)connection->pool, connection->pool_size);
	descriptors_close(&connection->descriptors);
	close(connection->fd);
}

void connection_prepare_message(struct frame *message, __u64 to)
{
	frame_begin(message, sizeof(message->message));
	message->message.dst_id = to;
	message->message.payload_type = KDBUS_PAYLOAD_DBUS + 1;	/* ours: plain text */
}

void connection_expect_reply(struct frame *message, __u64 cookie, unsigned timeout_ms)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	message->message.flags |= KDBUS_MSG_EXPECT_REPLY;
	message->message.cookie = cookie;
	message->message.timeout_ns = (__u64)now.tv_sec * 1000000000 + now.tv_nsec + (__u64)timeout_ms * 1000000;
}

/* The text stays where it is. The bus copies it from here straight into the receiver's pool. */
int connection_transmit(struct connection *connection, struct frame *message, const char *text, const struct kdbus_msg **answer)
{
	const struct kdbus_vec payload = { .size = strlen(text), .address = (uintptr_t)text };
	struct frame send;
	int result;

	/* A payload of no bytes is none; a message may have none. */
	if (payload.size)
		frame_add(message, KDBUS_ITEM_PAYLOAD_VEC, &payload, sizeof(payload));
	if (message->size > sizeof(message->bytes))
		return -EMSGSIZE;
	frame_begin(&send, sizeof(send.send));
	send.send.flags = answer ? KDBUS_SEND_SYNC_REPLY : 0;
	send.send.msg_address = (uintptr_t)message;
	if (answer)
		descriptors_ask(&connection->descriptors, &send);
	result = frame_issue(&send, connection->fd, KDBUS_CMD_SEND);
	if (result < 0 || !answer)
		return result;
	*answer = (const struct kdbus_msg *)(connection->pool + send.send.reply.offset);
	return descriptors_take(&connection->descriptors, connection->fd, send.send.reply.offset);
}

int connection_send(struct connection *connection, __u64 to, __u64 cookie_reply, const char *text)
{
	struct frame message;

	connection_prepare_message(&message, to);
	message.message.cookie_reply = cookie_reply;
	return connection_transmit(connection, &message, text, NULL);
}

int connection_request(struct connection *connection, __u64 to, __u64 cookie, const char *text, unsigned timeout_ms)
{
	struct frame message;

	connection_prepare_message(&message, to);
	connection_expect_reply(&message, cookie, timeout_ms);
	return connection_transmit(connection, &message, text, NULL);
}

int connection_call(struct connection *connection, __u64 to, __u64 cookie, const char *text, unsigned timeout_ms,
		    const struct kdbus_msg **answer)
{
	struct frame message;

	connection_prepare_message(&message, to);
	connection_expect_reply(&message, cookie, timeout_ms);
	return connection_transmit(connection, &message, text, answer);
}

int connection_take(struct connection *connection, const struct kdbus_msg **message)
{
	struct frame recv;
	int result;

	frame_begin(&recv, sizeof(recv.recv));
	descriptors_ask(&connection->descriptors, &recv);
	result = frame_issue(&recv, connection->fd, KDBUS_CMD_RECV);
	if (result == 0 || result == -EAGAIN)
		connection->dropped += recv.recv.dropped_msgs;
	if (result < 0)
		return result;
	*message = (const struct kdbus_msg *)(connection->pool + recv.recv.msg.offset);
	return descriptors_take(&connection->descriptors, connection->fd, recv.recv.msg.offset);
}

int connection_receive(struct connection *connection, int timeout_ms, const struct kdbus_msg **message)
{
	for (;;) {
		struct pollfd ready = { .fd = connection->fd, .events = POLLIN };
		int result = connection_take(connection, message);

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

int connection_free_message(struct connection *connection, const struct kdbus_msg *message)
{
	descriptors_drop(message);
	return connection_free(connection, message);
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

static int append_memfd(char *text, size_t size, size_t *used, const struct kdbus_memfd *memfd)
{
	ssize_t n = -1;

	if (memfd->fd < 0)
		return -EBADF;
	if (memfd->size < size - *used)
		n = pread(memfd->fd, text + *used, memfd->size, memfd->start);
	if (n < 0 || (__u64)n != memfd->size)
		return -EMSGSIZE;
	*used += n;
	return 0;
}

/* The payload is the concatenation of its parts; where one part ends and the next begins means nothing. */
int connection_text(const struct kdbus_msg *message, char *text, size_t size)
{
	size_t used = 0;
	int result = 0;

	for_each_item(item, message) {
		if (item->type == KDBUS_ITEM_PAYLOAD_OFF && result == 0) {
			const void *bytes = (const char *)message + item->vec.offset;

			result = append(text, size, &used, item->vec.offset == NOWHERE ? NULL : bytes, item->vec.size);
		} else if (item->type == KDBUS_ITEM_PAYLOAD_MEMFD && result == 0) {
			result = append_memfd(text, size, &used, &item->memfd);
		}
	}
	text[used] = '\0';
	return result;
}

int connection_find_other(struct connection *connection, __u64 *id)
{
	struct kdbus_cmd_list list = { .size = sizeof(list), .flags = KDBUS_LIST_UNIQUE };
	const unsigned char *record;
	int result = issue(connection->fd, KDBUS_CMD_LIST, &list);
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
