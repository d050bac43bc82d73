/* SPDX-License-Identifier: MIT
 *
 * One connection to a bus, as a benchmark needs it: bytes as payload, every system call in sight. Anything unexpected ends the program.
 */
#ifndef PEER_H
#define PEER_H

#include <stddef.h>
#include <stdint.h>
#include <kdbus.h>

enum {
	POOL_SIZE = 32 << 20,		/* a quota of a sixth: more than the largest payload in vectors, 2 MiB */
	LARGEST_VEC = 2 << 20,
	DEADLINE_S = 30,
};

struct peer {
	int fd;
	uint64_t id, cookie;
	const unsigned char *pool;
	unsigned char *payload;		/* what we send; of the largest size */
	int sockets[2];			/* descriptors are sent to us on [1] and arrive on [0]; -1: we take none */
	int memfd;			/* the recycled one, of memfd_size bytes; made when first needed */
	size_t memfd_size;
};

void peer_open(struct peer *peer, const char *endpoint, size_t pool_size, size_t largest);

/* From now on descriptors are received, and payloads sent in a recycled memfd, whatever their size. */
void peer_recycle(struct peer *peer);

/* SEND; poll, RECV, FREE: the call of programs that are driven by a main loop. */
void peer_call(struct peer *peer, uint64_t to, size_t size);

/* SEND with SYNC_REPLY, FREE. */
void peer_call_sync(struct peer *peer, uint64_t to, size_t size);

/* For ever: poll, RECV, FREE, SEND of an answer of the same size. */
_Noreturn void peer_serve(struct peer *peer);

/* One message without a reply; and the next one that is there, for which it polls only if there is none. */
void peer_send(struct peer *peer, struct kdbus_msg header, size_t size);
const struct kdbus_msg *peer_receive(struct peer *peer, uint64_t *offset);

/* What exchange.c shares with these ways. */

void peer_command(struct peer *peer, unsigned long number, void *argument, const char *name);
void peer_free(struct peer *peer, uint64_t offset);

/* A header with what makes a message a request; the next cookie is in it. */
struct kdbus_msg peer_request(struct peer *peer, uint64_t to);

/* Writes the item that stands for a payload: a vector of our memory, or our memfd. Returns its bytes, padding included. */
size_t peer_put_payload(struct peer *peer, struct kdbus_item *item, size_t size);

/* Takes the descriptor of a message in the pool, if it brings one, and looks at the payload. Returns its size. */
size_t peer_check(struct peer *peer, const struct kdbus_msg *message);

#endif
