/* SPDX-License-Identifier: MIT
 *
 * calls ENDPOINT KIND: a service and a client, two processes. For each line on standard input, which is a number, the client makes so many
 * calls of the kind one after the other, and writes "done". Kinds: "call" (SEND that waits for its answer, on the other side poll, RECV, SEND
 * and FREE), "request" (SEND, and poll and RECV for the answer).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
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

static const struct {
	const char *name;
	make_call *make;
} kinds[] = {
	{ "call", make_synchronous },
	{ "request", make_request },
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

static make_call *find(const char *kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, kind) == 0)
			return kinds[i].make;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	make_call *make = argc == 3 ? find(argv[2]) : NULL;
	struct connection service, client;
	__u64 cookie = 0;
	char line[64];

	if (!make) {
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
		serve(&service);
	}
	check(connection_open(&client, argv[1], "calls.client"), argv[1]);

	while (fgets(line, sizeof(line), stdin)) {
		for (long left = strtol(line, NULL, 10); left > 0; left--) {
			const struct kdbus_msg *answer;

			check(make(&client, service.id, ++cookie, &answer), "call");
			check(answer->cookie_reply == cookie ? 0 : -EBADMSG, "answer");
			check(connection_free(&client, answer), "free");
		}
		puts("done");
		fflush(stdout);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}
