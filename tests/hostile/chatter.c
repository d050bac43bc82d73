/* SPDX-License-Identifier: MIT
 *
 * chatter ENDPOINT: two processes that send each other one message after the other, half of them synchronous calls, and watch how long each
 * exchange takes. For each line on standard input it writes "ROUNDS LONGEST": the exchanges since the last line, and the longest of
 * them in microseconds. An exchange that has been under way for a minute counts as never: it says so and ends with 1.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "connection.h"

#define PATIENCE_MS 60000

static long long microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void check(int result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "chatter: %s: %s\n", what, strerror(-result));
	exit(1);
}

/* Answers what is asked, with the same text. */
static void echo(struct connection *connection)
{
	for (;;) {
		const struct kdbus_msg *message;
		char text[256];

		check(connection_receive(connection, -1, &message), "echo: receive");
		check(connection_text(message, text, sizeof(text)), "echo: text");
		check(connection_send(connection, message->src_id, message->cookie, text), "echo: reply");
		check(connection_free(connection, message), "echo: free");
	}
}

static void exchange(struct connection *connection, __u64 to, __u64 cookie)
{
	const struct kdbus_msg *answer;
	char asked[64], text[256];

	snprintf(asked, sizeof(asked), "message %llu", cookie);
	if (cookie % 2) {
		check(connection_call(connection, to, cookie, asked, PATIENCE_MS, &answer), "call");
	} else {
		check(connection_request(connection, to, cookie, asked, PATIENCE_MS), "request");
		check(connection_receive(connection, PATIENCE_MS, &answer), "receive");
	}
	check(connection_text(answer, text, sizeof(text)), "text");
	if (answer->cookie_reply != cookie || strcmp(asked, text) != 0) {
		fprintf(stderr, "chatter: asked \"%s\" (%llu), got \"%s\" (%llu)\n", asked, cookie, text, answer->cookie_reply);
		exit(1);
	}
	check(connection_free(connection, answer), "free");
}

int main(int argc, char **argv)
{
	struct connection service, client;
	long long longest = 0;
	unsigned long rounds = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: chatter ENDPOINT\n");
		return 2;
	}
	check(connection_open(&service, argv[1], "chatter.echo"), argv[1]);
	const pid_t parent = getpid();
	const pid_t child = fork();

	check(child < 0 ? -errno : 0, "fork");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			return 1;
		echo(&service);
	}
	check(connection_open(&client, argv[1], "chatter"), argv[1]);

	for (__u64 cookie = 1;; cookie++) {
		struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
		const long long start = microseconds();
		char line[64];

		exchange(&client, service.id, cookie);
		const long long took = microseconds() - start;

		rounds++;
		longest = took > longest ? took : longest;
		if (poll(&input, 1, 0) <= 0)
			continue;
		if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
			break;
		printf("%lu %lld\n", rounds, longest);
		fflush(stdout);
		rounds = 0;
		longest = 0;
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}
