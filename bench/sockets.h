/* SPDX-License-Identifier: MIT
 *
 * What the bus is compared with: a client and a server with a unix stream socket between them, and the same with a process
 * between them that does nothing but pass on bytes. No broker that copies messages between sockets can be faster than that one.
 */
#ifndef SOCKETS_H
#define SOCKETS_H

#include <stddef.h>
#include <sys/types.h>

struct stream {
	int fd;				/* the client's end */
	pid_t server, relay;		/* relay 0: none */
	unsigned char *payload;
	size_t largest;
};

/* serve never returns; stream_echo answers each payload with itself. */
void stream_open(struct stream *stream, size_t largest, int with_relay, void (*serve)(int fd, size_t largest));
void stream_echo(int fd, size_t largest);

void stream_call(struct stream *stream, size_t size);

#endif
