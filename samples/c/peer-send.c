/* SPDX-License-Identifier: MIT
 *
 * peer ENDPOINT send DEST TEXT, peer ENDPOINT call DEST TEXT: a message; a message and its answer.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include "peer.h"

enum { COOKIE = 1, TIMEOUT_MS = 5000 };

static const struct option send_options[] = {
	{ "no-auto-start", no_argument, NULL, 'a' },
	OPTIONS_END
}, call_options[] = {
	{ "timeout", required_argument, NULL, 't' },
	{ "no-auto-start", no_argument, NULL, 'a' },
	OPTIONS_END
};

/* A name does not begin with a digit, so a receiver that does is an id. */
static void address(const struct verb *verb, struct frame *message, const char *receiver)
{
	if (*receiver >= '0' && *receiver <= '9') {
		connection_prepare_message(message, read_number(verb, receiver));
	} else {
		connection_prepare_message(message, KDBUS_DST_ID_NAME);
		frame_add_text(message, KDBUS_ITEM_DST_NAME, receiver);
	}
}

static int send_text(const struct verb *verb, const char *endpoint, int argc, char **argv)
{
	struct connection connection;
	struct frame message;
	__u64 flags = 0;
	int result;

	while (next_option(verb, argc, argv) != -1)
		flags = KDBUS_MSG_NO_AUTO_START;
	expect_arguments(verb, argc, 2, 2);
	address(verb, &message, argv[optind]);
	message.message.flags |= flags;

	if (connect_to(&connection, endpoint, "peer-send") != 0)
		return 1;
	result = connection_transmit(&connection, &message, argv[optind + 1], NULL);
	connection_close(&connection);
	return result < 0 ? fail(result, KDBUS_CMD_SEND, "send to %s", argv[optind]) : 0;
}

/* One system call waits for the answer; there is no loop that could look for signals, so let them end us. */
static int let_signals_end_us(void)
{
	sigset_t none;

	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

static int call(const struct verb *verb, const char *endpoint, int argc, char **argv)
{
	const struct kdbus_msg *answer;
	struct connection connection;
	unsigned timeout = TIMEOUT_MS;
	struct frame message;
	__u64 flags = 0;
	int option, result;

	while ((option = next_option(verb, argc, argv)) != -1) {
		if (option == 't')
			timeout = read_number(verb, optarg);
		else
			flags = KDBUS_MSG_NO_AUTO_START;
	}
	expect_arguments(verb, argc, 2, 2);
	address(verb, &message, argv[optind]);
	message.message.flags |= flags;

	if (connect_to(&connection, endpoint, "peer-call") != 0)
		return 1;
	result = let_signals_end_us();
	if (result == 0) {
		connection_expect_reply(&message, COOKIE, timeout);
		result = connection_transmit(&connection, &message, argv[optind + 1], &answer);
	}
	if (result == 0) {
		printf("%llu answers: ", (unsigned long long)answer->src_id);
		print_payload(answer);
		putchar('\n');
		result = connection_free(&connection, answer);
	}
	connection_close(&connection);
	return result < 0 ? fail(result, KDBUS_CMD_SEND, "call %s", argv[optind]) : 0;
}

const struct verb peer_send = {
	.name = "send",
	.arguments = "[--no-auto-start] RECEIVER TEXT",
	.help = "send a text to a connection id or a name\n"
		"\n"
		"  --no-auto-start  fail rather than let an activator start the owner of the name\n",
	.options = send_options,
	.run = send_text,
};

const struct verb peer_call = {
	.name = "call",
	.arguments = "[--timeout MS] [--no-auto-start] RECEIVER TEXT",
	.help = "send a request to a connection id or a name, and print the answer\n"
		"\n"
		"  --timeout MS     wait so long for the answer; 5000 if not given\n"
		"  --no-auto-start  fail rather than let an activator start the owner of the name\n",
	.options = call_options,
	.run = call,
};
