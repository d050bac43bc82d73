/* SPDX-License-Identifier: MIT
 *
 * peer ENDPOINT send DEST TEXT, peer ENDPOINT call DEST TEXT: a message; a message and its answer.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>
#include "peer.h"

enum { COOKIE = 1, TIMEOUT_MS = 5000 };

static const struct option send_options[] = {
	{ "no-auto-start", no_argument, NULL, 'a' },
	{ "file", required_argument, NULL, 'f' },
	{ "sealed", required_argument, NULL, 's' },
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

static int open_file(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		exit(fail(-errno, 0, "open %s", path));
	return fd;
}

/* A copy of a file that nobody can change any more: whoever maps it sees what it is now, and no byte of it is copied on its way. */
static struct kdbus_memfd seal(const char *path)
{
	enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };
	struct kdbus_memfd sealed = { .fd = memfd_create("peer", MFD_CLOEXEC | MFD_ALLOW_SEALING) };
	const int fd = open_file(path);
	ssize_t copied = 0;

	while (sealed.fd >= 0 && (copied = sendfile(sealed.fd, fd, NULL, 1 << 20)) > 0)
		sealed.size += copied;
	if (sealed.fd < 0 || copied < 0 || fcntl(sealed.fd, F_ADD_SEALS, SEALS) < 0)
		exit(fail(-errno, 0, "seal a copy of %s", path));
	close(fd);
	return sealed;
}

static int send_text(const struct verb *verb, const char *endpoint, int argc, char **argv)
{
	struct kdbus_memfd sealed = { .fd = -1 };
	int option, result, files[16], count = 0;
	struct connection connection;
	struct frame message;
	__u64 flags = 0;

	while ((option = next_option(verb, argc, argv)) != -1) {
		if (option == 's')
			sealed = seal(optarg);
		else if (option == 'f' && count == sizeof(files) / sizeof(files[0]))
			return fail(-EMFILE, KDBUS_CMD_SEND, "send %s", optarg);
		else if (option == 'f')
			files[count++] = open_file(optarg);
		else
			flags = KDBUS_MSG_NO_AUTO_START;
	}
	expect_arguments(verb, argc, 2, 2);
	address(verb, &message, argv[optind]);
	message.message.flags |= flags;
	if (count)
		frame_add(&message, KDBUS_ITEM_FDS, files, count * sizeof(files[0]));
	/* A payload of no bytes is none. */
	if (sealed.size)
		frame_add(&message, KDBUS_ITEM_PAYLOAD_MEMFD, &sealed, sizeof(sealed));

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
		result = connection_free_message(&connection, answer);
	}
	connection_close(&connection);
	return result < 0 ? fail(result, KDBUS_CMD_SEND, "call %s", argv[optind]) : 0;
}

const struct verb peer_send = {
	.name = "send",
	.arguments = "[--no-auto-start] [--file FILE]... [--sealed FILE] RECEIVER TEXT",
	.help = "send a text to a connection id or a name\n"
		"\n"
		"  --file FILE      send a descriptor of the open file along, up to 16 times\n"
		"  --sealed FILE    let the text follow what is in the file, in a sealed memfd\n"
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
