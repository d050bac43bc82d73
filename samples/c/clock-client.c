/* SPDX-License-Identifier: MIT
 *
 * clock-client ENDPOINT [ID]: asks the clock service twice, once with a message and a later answer, once with a call that
 * waits. Without an id it asks whoever else is on the bus.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "connection.h"

enum { COOKIE_MESSAGE = 1, COOKIE_CALL = 2, TIMEOUT_MS = 5000 };

static int print_answer(struct connection *connection, const char *how, const struct kdbus_msg *answer)
{
	char text[256];
	int result;

	/* The bus itself says so when there will be no answer. */
	if (answer->src_id == KDBUS_SRC_ID_KERNEL) {
		result = answer->items[0].type == KDBUS_ITEM_REPLY_TIMEOUT ? -ETIMEDOUT : -EPIPE;
	} else {
		result = connection_text(answer, text, sizeof(text));
		if (result == 0)
			printf("clock-client  (C): %s: \"%s\"\n", how, text);
	}
	connection_free_message(connection, answer);
	return result;
}

/* The way of programs that do other things meanwhile: send, poll, receive, and know the answer by its cookie. */
static int ask_with_message(struct connection *connection, __u64 to)
{
	const struct kdbus_msg *message;
	int result = connection_request(connection, to, COOKIE_MESSAGE, "what time is it?", TIMEOUT_MS);

	if (result < 0)
		return result;
	for (;;) {
		result = connection_receive(connection, TIMEOUT_MS, &message);
		if (result < 0)
			return result;
		if (!(message->flags & KDBUS_MSG_EXPECT_REPLY) && message->cookie_reply == COOKIE_MESSAGE)
			return print_answer(connection, "answer to a message", message);
		connection_free_message(connection, message);
	}
}

/* The short way: one system call. */
static int ask_with_call(struct connection *connection, __u64 to)
{
	const struct kdbus_msg *answer;
	int result = connection_call(connection, to, COOKIE_CALL, "and now?", TIMEOUT_MS, &answer);

	return result < 0 ? result : print_answer(connection, "answer to a call", answer);
}

static int find_service(struct connection *connection, __u64 *id)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	int result = connection_find_other(connection, id);

	for (int waited = 0; result == -ENOENT && waited < TIMEOUT_MS; waited += 10) {
		nanosleep(&pause, NULL);
		result = connection_find_other(connection, id);
	}
	return result;
}

int main(int argc, char **argv)
{
	struct connection connection;
	__u64 service = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	int result;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: clock-client ENDPOINT [ID]\n");
		return 2;
	}
	result = connection_open(&connection, argv[1], "clock-client");
	if (result < 0) {
		fprintf(stderr, "clock-client: cannot connect to %s: %s\n", argv[1], strerror(-result));
		return 1;
	}
	if (!service)
		result = find_service(&connection, &service);
	if (result == 0) {
		printf("clock-client  (C): I am connection %llu and ask %llu\n", (unsigned long long)connection.id,
		       (unsigned long long)service);
		result = ask_with_message(&connection, service);
	}
	if (result == 0)
		result = ask_with_call(&connection, service);
	if (result < 0)
		fprintf(stderr, "clock-client: %s\n", result == -ENOENT ? "nobody else is on the bus" : strerror(-result));
	connection_close(&connection);
	return result < 0;
}
