/* SPDX-License-Identifier: MIT
 *
 * The one-trap way: a connection that sends, receives and gives back with KDBUS_CMD_EXCHANGE and with nothing else. What is small stands in the
 * messages themselves; from 16 KiB on it is a vector, and a place in the pool that goes back with the next command. The room is as small as
 * serves what is sent and what is expected, since the kernel copies all of it.
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include "peer.h"

enum { EXCHANGE_ROOM = 16376, EXCHANGE_INLINE = 4 << 10 };

struct exchange {
	struct peer *peer;
	uint64_t kept;			/* a place in the pool that we have to give back; KDBUS_OFFSET_INLINE: none */
	size_t start, end;		/* of the messages to send, in bytes */
	size_t next, left;		/* of the records received: where the next one is, and how many there are */
	_Alignas(8) unsigned char bytes[EXCHANGE_ROOM];
};

/* Whether the domain knows EXCHANGE. */
int exchange_is_known(struct peer *peer);

void exchange_open(struct exchange *exchange, struct peer *peer);

/* Begins a command: what has to be given back is in it, and nothing to send yet. */
void exchange_begin(struct exchange *exchange, uint64_t flags, uint64_t wait_ns);

/* Adds a message with a payload that is to stand in it, if that is small; and, if there is one, a bloom filter. 0: it does not fit any more. */
int exchange_add(struct exchange *exchange, struct kdbus_msg header, size_t size, const struct kdbus_item *filter);

/* Issues it, with at least so much room. All that was added has been sent then. */
void exchange_do(struct exchange *exchange, size_t room);

/* The next message that it brought, or NULL. */
const struct kdbus_msg *exchange_next(struct exchange *exchange);

/* The room for an answer with such a payload. */
size_t exchange_room(size_t size);

/* EXCHANGE with SYNC_REPLY. */
void exchange_call(struct exchange *exchange, uint64_t to, size_t size);

/* For ever: EXCHANGE that sends an answer of the same size and receives the next request. */
_Noreturn void exchange_serve(struct exchange *exchange);

#endif
