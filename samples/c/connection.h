/* SPDX-License-Identifier: MIT
 *
 * A connection to a bus: an open endpoint, the id the bus gave it, and the mapped pool into which the bus writes what this
 * connection receives. Everything here returns 0 or a negative errno; what was received stays valid until connection_free().
 */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <stddef.h>
#include <kdbus.h>
#include "descriptors.h"

struct frame;

struct connection {
	int fd;
	__u64 id;			/* unique in the domain, never used again */
	__u64 pool_size;		/* bytes */
	const unsigned char *pool;	/* read-only view of the pool */
	__u64 dropped;			/* signals lost because they found no room in the pool; who tells it sets it back to 0 */
	struct descriptors descriptors;	/* how descriptors come to us */
	struct kdbus_bloom_parameter bloom;	/* what filters and masks are like on this bus */
};

/* Opens the endpoint, says HELLO and maps a pool of 1 MiB. The description shows up in the bus' lists; it may be NULL. */
int connection_open(struct connection *connection, const char *endpoint, const char *description);
void connection_close(struct connection *connection);

/* The same in two steps, for a HELLO that says more: flags, a name, policy. */
void connection_prepare(struct frame *hello, const char *description);
int connection_hello(struct connection *connection, const char *endpoint, struct frame *hello);

/* Sends text without expecting an answer; cookie_reply is the cookie of the request this answers, or 0. */
int connection_send(struct connection *connection, __u64 to, __u64 cookie_reply, const char *text);

/* Sends a request. Its answer, or the news that there will be none, arrives like any other message. */
int connection_request(struct connection *connection, __u64 to, __u64 cookie, const char *text, unsigned timeout_ms);

/* Sends a request and waits for the answer in the same system call. Does not touch the queue. */
int connection_call(struct connection *connection, __u64 to, __u64 cookie, const char *text, unsigned timeout_ms,
		    const struct kdbus_msg **answer);

/*
 * The same in two steps, for a message that says more: prepare the header, set more of it, add items, and let it carry the text.
 * With an answer to point to it is a call.
 */
void connection_prepare_message(struct frame *message, __u64 to);
void connection_expect_reply(struct frame *message, __u64 cookie, unsigned timeout_ms);
int connection_transmit(struct connection *connection, struct frame *message, const char *text, const struct kdbus_msg **answer);

/* Takes the next message; -EAGAIN if there is none. */
int connection_take(struct connection *connection, const struct kdbus_msg **message);

/* Waits for the next message and takes it. timeout_ms < 0 waits for ever; -ETIMEDOUT if nothing came. */
int connection_receive(struct connection *connection, int timeout_ms, const struct kdbus_msg **message);

/* Gives the room of a list or info, or of a message that brought nothing, back to the pool. */
int connection_free(struct connection *connection, const void *in_pool);

/* The same of a message, and closes the descriptors that came with it. */
int connection_free_message(struct connection *connection, const struct kdbus_msg *message);

/* Writes the payload, a text of at most size - 1 bytes, and a NUL to `text`. -EMSGSIZE if it is longer. */
int connection_text(const struct kdbus_msg *message, char *text, size_t size);

/* The lowest id on the bus that is not this connection's own; -ENOENT if there is nobody else. */
int connection_find_other(struct connection *connection, __u64 *id);

#endif
