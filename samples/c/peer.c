/* SPDX-License-Identifier: MIT
 *
 * peer FILE VERB [ARGUMENT...]: what one can do with a bus, from the shell. docs/guide.md is a tour with it.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "peer.h"

static const struct verb *const verbs[] = {
	&peer_list, &peer_info, &peer_own, &peer_send, &peer_call, &peer_signal, &peer_listen, &peer_watch, &peer_monitor,
	&peer_activate, &peer_hold, &peer_endpoint,
};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

const struct option no_options[] = { OPTIONS_END };
int ends = -1;

static void print_usage(FILE *to, const struct verb *verb)
{
	fprintf(to, "usage: peer %s %s %s\n", verb == &peer_endpoint ? "FILE" : "ENDPOINT", verb->name, verb->arguments);
}

int next_option(const struct verb *verb, int argc, char **argv)
{
	/* The + : options end at the first argument, for what follows may be a command with options of its own. */
	const int option = getopt_long(argc, argv, "+h", verb->options, NULL);

	if (option == 'h') {
		print_usage(stdout, verb);
		printf("\n%s", verb->help);
		exit(0);
	}
	if (option == '?') {
		print_usage(stderr, verb);
		exit(2);
	}
	return option;
}

void expect_arguments(const struct verb *verb, int argc, int least, int most)
{
	const int left = argc - optind;

	if (left >= least && (most < 0 || left <= most))
		return;
	print_usage(stderr, verb);
	exit(2);
}

unsigned long long read_number(const struct verb *verb, const char *text)
{
	char *end;
	const unsigned long long number = strtoull(text, &end, 10);

	if (*text >= '0' && *text <= '9' && *end == '\0')
		return number;
	fprintf(stderr, "peer: '%s' is not a number\n", text);
	print_usage(stderr, verb);
	exit(2);
}

/* From here on these signals are something to read, so a loop that waits for messages waits for them in the same poll. */
static int open_ends(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -errno;
	ends = signalfd(-1, &signals, SFD_CLOEXEC);
	return ends < 0 ? -errno : 0;
}

int wait_for_end(void)
{
	struct pollfd ready = { .fd = ends, .events = POLLIN };

	while (poll(&ready, 1, -1) < 0)
		if (errno != EINTR)
			return fail(-errno, 0, "wait for a signal");
	return 0;
}

int receive_until_end(struct connection *connection, take_function *take, void *context)
{
	for (;;) {
		struct pollfd ready[] = {
			{ .fd = ends, .events = POLLIN },
			{ .fd = connection->fd, .events = POLLIN },
		};
		const struct kdbus_msg *message;
		int result, done;

		if (poll(ready, 2, -1) < 0 && errno != EINTR)
			return fail(-errno, 0, "wait for messages");
		if (ready[0].revents)
			return 0;
		result = connection_take(connection, &message);
		if (connection->dropped) {
			printf("%llu signals were lost: the pool was full\n", (unsigned long long)connection->dropped);
			connection->dropped = 0;
		}
		if (result == -EAGAIN)
			continue;
		if (result < 0)
			return fail(result, KDBUS_CMD_RECV, "receive");
		done = take(connection, message, context);
		result = connection_free_message(connection, message);
		if (result < 0)
			return fail(result, KDBUS_CMD_FREE, "give a message back");
		if (done)
			return 0;
	}
}

int connect_to(struct connection *connection, const char *endpoint, const char *description)
{
	const int result = connection_open(connection, endpoint, description);

	return result < 0 ? fail(result, KDBUS_CMD_HELLO, "connect to %s", endpoint) : 0;
}

int add_match(struct connection *connection, __u64 item_type, const void *payload, size_t size)
{
	struct frame frame;
	int result;

	frame_begin(&frame, sizeof(frame.match));
	frame_add(&frame, item_type, payload, size);
	result = frame_issue(&frame, connection->fd, KDBUS_CMD_MATCH_ADD);
	return result < 0 ? fail(result, KDBUS_CMD_MATCH_ADD, "ask for signals") : 0;
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < VERBS; i++)
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	return NULL;
}

static int print_verbs(FILE *to)
{
	fprintf(to, "usage: peer FILE VERB [ARGUMENT...]\n"
		    "       peer FILE VERB --help\n\n"
		    "FILE is an endpoint, a file like /tmp/kdbus/0-demo/bus. VERB is one of\n");
	for (size_t i = 0; i < VERBS; i++)
		fprintf(to, "  %-8s  %.*s\n", verbs[i]->name, (int)strcspn(verbs[i]->help, "\n"), verbs[i]->help);
	return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
	const struct verb *verb;
	int result;

	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return print_verbs(stdout);
	if (argc < 3)
		return print_verbs(stderr);
	verb = find_verb(argv[2]);
	if (!verb) {
		fprintf(stderr, "peer: there is no verb '%s'\n", argv[2]);
		return print_verbs(stderr);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	result = open_ends();
	if (result < 0)
		return fail(result, 0, "watch for signals");
	return verb->run(verb, argv[1], argc - 2, argv + 2);
}
