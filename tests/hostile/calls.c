/* SPDX-License-Identifier: MIT
 *
 * calls ENDPOINT KIND: a service and a client, two processes. For each line on standard input, which is a number, the client makes so many
 * calls of the kind one after the other, and writes "done". Kinds: "call" (SEND that waits for its answer, on the other side poll, RECV, SEND
 * and FREE), "request" (SEND, and poll and RECV for the answer), "exchange" (EXCHANGE on both sides).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "connection.h"

#define PATIENCE_MS 60000

typedef int make_call(struct connection *client, __u64 service, __u64 cookie, const struct kdbus_msg **answer);

static int make_synchronous(struct connection *client, __u64 service, __u64 cookie, const struct kdbus_msg **answer)
{
	return connection_call(client, service, cookie, "ping", PATIENCE_MS, answer);
}

static int make_request(struct connection *client, __u64 service, __u64 cookie, const struct kdbus_msg **answer)
{
	const int result = connection_request(client, service, cookie, "ping", PATIENCE_MS);

	return result < 0 ? result : connection_receive(client, PATIENCE_MS, answer);
}

static int give_back(struct connection *client, const struct kdbus_msg *answer)
{
	return connection_free(client, answer);
}

/* An EXCHANGE with a message of four bytes, and what it brings. */
struct exchange {
	struct kdbus_cmd_exchange command;
	struct kdbus_msg message;
	__u64 item_size, item_type;
	char text[8];
	unsigned char more[256];
};

static struct exchange exchange;

static void put_message(struct kdbus_msg header, const char *text)
{
	exchange.message = header;
	exchange.message.payload_type = KDBUS_PAYLOAD_DBUS;
	exchange.message.size = offsetof(struct exchange, more) - offsetof(struct exchange, message);
	exchange.item_size = offsetof(struct kdbus_item, data) + sizeof(exchange.text);
	exchange.item_type = KDBUS_ITEM_PAYLOAD_INLINE;
	memset(exchange.text, 0, sizeof(exchange.text));
	memcpy(exchange.text, text, strlen(text));
	exchange.command.msgs_size = exchange.message.size;
}

/* What it has received, or NULL. */
static int do_exchange(const struct connection *connection, __u64 flags, const struct kdbus_msg **received)
{
	const struct kdbus_msg_info *record = (const struct kdbus_msg_info *)(&exchange.command + 1);

	exchange.command = (struct kdbus_cmd_exchange){
		.size = sizeof(exchange.command), .flags = flags, .msgs_size = exchange.command.msgs_size, .wait_ns = ~0ULL, .max_msgs = 1,
	};
	if (ioctl(connection->fd, KDBUS_CMD_EXCHANGE(sizeof(exchange)), &exchange) < 0)
		return -errno;
	*received = exchange.command.received ? (const struct kdbus_msg *)(record + 1) : NULL;
	return -(int)exchange.command.error;
}

static int make_exchange(struct connection *client, __u64 service, __u64 cookie, const struct kdbus_msg **answer)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	put_message((struct kdbus_msg){ .flags = KDBUS_MSG_EXPECT_REPLY, .dst_id = service, .cookie = cookie,
					.timeout_ns = (now.tv_sec + PATIENCE_MS / 1000) * 1000000000ULL }, "ping");
	return do_exchange(client, KDBUS_EXCHANGE_SYNC_REPLY, answer);
}

static int leave(struct connection *client, const struct kdbus_msg *answer)
{
	(void)client;
	(void)answer;
	return 0;
}

static void serve(struct connection *service);
static void serve_exchanges(struct connection *service);

static const struct kind {
	const char *name;
	make_call *make;
	int (*end)(struct connection *client, const struct kdbus_msg *answer);
	void (*serve)(struct connection *service);
} kinds[] = {
	{ "call", make_synchronous, give_back, serve },
	{ "request", make_request, give_back, serve },
	{ "exchange", make_exchange, leave, serve_exchanges },
};

static void check(int result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "calls: %s: %s\n", what, strerror(-result));
	exit(1);
}

static void serve(struct connection *service)
{
	for (;;) {
		const struct kdbus_msg *request;

		check(connection_receive(service, -1, &request), "service: receive");
		check(connection_send(service, request->src_id, request->cookie, "pong"), "service: send");
		check(connection_free(service, request), "service: free");
	}
}

static void serve_exchanges(struct connection *service)
{
	const struct kdbus_msg *request = NULL;

	exchange.command.msgs_size = 0;
	for (;;) {
		check(do_exchange(service, KDBUS_EXCHANGE_RECV, &request), "service: exchange");
		put_message((struct kdbus_msg){ .dst_id = request->src_id, .cookie_reply = request->cookie }, "pong");
	}
}

static const struct kind *find(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const struct kind *kind = argc == 3 ? find(argv[2]) : NULL;
	struct connection service, client;
	__u64 cookie = 0;
	char line[64];

	if (!kind) {
		fprintf(stderr, "usage: calls ENDPOINT KIND\n");
		return 2;
	}
	check(connection_open(&service, argv[1], "calls.service"), argv[1]);
	const pid_t parent = getpid();
	const pid_t child = fork();

	check(child < 0 ? -errno : 0, "fork");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			return 1;
		kind->serve(&service);
	}
	check(connection_open(&client, argv[1], "calls.client"), argv[1]);

	while (fgets(line, sizeof(line), stdin)) {
		for (long left = strtol(line, NULL, 10); left > 0; left--) {
			const struct kdbus_msg *answer;

			check(kind->make(&client, service.id, ++cookie, &answer), "call");
			check(answer->cookie_reply == cookie ? 0 : -EBADMSG, "answer");
			check(kind->end(&client, answer), "free");
		}
		puts("done");
		fflush(stdout);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}
