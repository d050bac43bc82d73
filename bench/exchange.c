/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "exchange.h"
#include "harness.h"

enum { ITEM = offsetof(struct kdbus_item, data), HEAD = sizeof(struct kdbus_cmd_exchange), FOREVER = -1 };

static struct kdbus_cmd_exchange *command_of(struct exchange *exchange)
{
	return (struct kdbus_cmd_exchange *)exchange->bytes;
}

static size_t padded(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

int exchange_is_known(struct peer *peer)
{
	struct kdbus_cmd_exchange nothing = { .size = sizeof(nothing) };

	if (ioctl(peer->fd, KDBUS_CMD_EXCHANGE(sizeof(nothing)), &nothing) == 0)
		return 1;
	if (errno != ENOTTY)
		die("EXCHANGE", errno);
	return 0;
}

void exchange_open(struct exchange *exchange, struct peer *peer)
{
	exchange->peer = peer;
	exchange->kept = KDBUS_OFFSET_INLINE;
	exchange->left = 0;
}

static void add_item(struct exchange *exchange, uint64_t type, const void *data, size_t size)
{
	struct kdbus_item *item = (struct kdbus_item *)(exchange->bytes + exchange->end);

	item->size = ITEM + size;
	item->type = type;
	memcpy(item->data, data, size);
	exchange->end += padded(item->size);
}

void exchange_begin(struct exchange *exchange, uint64_t flags, uint64_t wait_ns)
{
	*command_of(exchange) = (struct kdbus_cmd_exchange){ .flags = flags, .wait_ns = wait_ns };
	exchange->end = HEAD;
	if (exchange->kept != KDBUS_OFFSET_INLINE) {
		add_item(exchange, KDBUS_ITEM_FREE, &exchange->kept, sizeof(exchange->kept));
		exchange->kept = KDBUS_OFFSET_INLINE;
	}
	if (flags && exchange->peer->sockets[1] >= 0)
		add_item(exchange, KDBUS_ITEM_FD_SOCKET, &exchange->peer->sockets[1], sizeof(int));
	command_of(exchange)->size = exchange->start = exchange->end;
}

static int stands_in_message(const struct exchange *exchange, size_t size)
{
	return size <= EXCHANGE_INLINE && exchange->peer->sockets[0] < 0;
}

int exchange_add(struct exchange *exchange, struct kdbus_msg header, size_t size, const struct kdbus_item *filter)
{
	const int in_message = stands_in_message(exchange, size);
	const size_t payload = in_message ? padded(ITEM + size) : ITEM + sizeof(struct kdbus_memfd);
	const size_t start = exchange->end;
	struct kdbus_msg *message = (struct kdbus_msg *)(exchange->bytes + start);

	if (start + sizeof(header) + payload + (filter ? padded(filter->size) : 0) > EXCHANGE_ROOM)
		return 0;
	*message = header;
	message->payload_type = KDBUS_PAYLOAD_DBUS;
	exchange->end += sizeof(header);
	if (in_message) {
		payload_set(exchange->peer->payload, size);
		add_item(exchange, KDBUS_ITEM_PAYLOAD_INLINE, exchange->peer->payload, size);
	} else {
		exchange->end += peer_put_payload(exchange->peer, message->items, size);
	}
	if (filter)
		add_item(exchange, filter->type, filter->data, filter->size - ITEM);
	message->size = exchange->end - start;
	return 1;
}

void exchange_do(struct exchange *exchange, size_t room)
{
	struct kdbus_cmd_exchange *command = command_of(exchange);

	/* After signals to very many the bus lets others have their turn, and we go on where it was. */
	do {
		command->msgs_size = exchange->end - exchange->start;
		command->progress = command->error == EAGAIN ? command->sent + 1 : 0;
		if (ioctl(exchange->peer->fd, KDBUS_CMD_EXCHANGE(room > exchange->end ? room : exchange->end), command) < 0)
			die("EXCHANGE", errno);
	} while (command->error == EAGAIN);
	if (command->error)
		die("a message of EXCHANGE was not sent", command->error);
	if (command->dropped_msgs)
		die("signals were lost", 0);
	exchange->next = HEAD;
	exchange->left = command->received;
}

const struct kdbus_msg *exchange_next(struct exchange *exchange)
{
	const struct kdbus_msg_info *record = (const struct kdbus_msg_info *)(exchange->bytes + exchange->next);

	if (!exchange->left)
		return NULL;
	exchange->left--;
	exchange->next += sizeof(*record);
	if (record->offset != KDBUS_OFFSET_INLINE) {
		exchange->kept = record->offset;
		return (const struct kdbus_msg *)(exchange->peer->pool + record->offset);
	}
	exchange->next += padded(record->msg_size);
	return (const struct kdbus_msg *)(record + 1);
}

/* A record and a message whose payload stands behind its one item. What comes through the pool needs the record alone. */
size_t exchange_room(size_t size)
{
	const size_t record = HEAD + sizeof(struct kdbus_msg_info);

	if (size > EXCHANGE_INLINE)
		return record;
	return record + sizeof(struct kdbus_msg) + ITEM + sizeof(struct kdbus_vec) + padded(size);
}

void exchange_call(struct exchange *exchange, uint64_t to, size_t size)
{
	const struct kdbus_msg *answer;

	exchange_begin(exchange, KDBUS_EXCHANGE_SYNC_REPLY, 0);
	exchange_add(exchange, peer_request(exchange->peer, to), size, NULL);
	exchange_do(exchange, exchange_room(size));
	answer = exchange_next(exchange);
	if (!answer || answer->cookie_reply != exchange->peer->cookie || peer_check(exchange->peer, answer) != size)
		die("the wrong answer arrived", 0);
}

void exchange_serve(struct exchange *exchange)
{
	struct kdbus_msg answer;
	size_t size = 0;

	for (;;) {
		const struct kdbus_msg *question;

		exchange_begin(exchange, KDBUS_EXCHANGE_RECV, FOREVER);
		if (size)
			exchange_add(exchange, answer, size, NULL);
		/* The next question is expected to be like the last one; a larger one comes through the pool. */
		exchange_do(exchange, exchange_room(size));
		question = exchange_next(exchange);
		if (!question)
			die("EXCHANGE brought nothing", 0);
		answer = (struct kdbus_msg){ .dst_id = question->src_id, .cookie_reply = question->cookie };
		size = peer_check(exchange->peer, question);
	}
}
