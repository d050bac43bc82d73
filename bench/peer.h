/* SPDX-License-Identifier: MIT
 *
 * One connection to a bus, as a benchmark needs it: bytes as payload, every system call in sight. A payload begins with its
 * own size in 8 bytes, so that both sides can tell a wrong one. Anything unexpected ends the program.
 */
#ifndef PEER_H
#define PEER_H

#include <stddef.h>
#include <stdint.h>
#include <kdbus.h>

enum { POOL_SIZE = 32 << 20 };	/* a quota of a sixth: more than the largest payload there can be, 2 MiB */

struct peer {
	int fd;
	uint64_t id, cookie;
	const unsigned char *pool;
	unsigned char *payload;		/* what we send; of the largest size */
};

void peer_open(struct peer *peer, const char *endpoint, size_t pool_size, size_t largest);

/* SEND; poll, RECV, FREE: the call of programs that are driven by a main loop. */
void peer_call(struct peer *peer, uint64_t to, size_t size);

/* SEND with SYNC_REPLY, FREE. */
void peer_call_sync(struct peer *peer, uint64_t to, size_t size);

/* For ever: poll, RECV, FREE, SEND of an answer of the same size. */
_Noreturn void peer_serve(struct peer *peer);

#endif
