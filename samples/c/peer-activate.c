/* SPDX-License-Identifier: MIT
 *
 * peer ENDPOINT activate NAME COMMAND...: starts a service when somebody needs it.
 *
 * An activator has the name while nobody owns it, and what is sent to the name waits in its queue. It does not read: it sees that
 * there is something to read, and starts the command. When that acquires the name, the bus moves what waits to it. When it ends,
 * the name and what it has not read come back.
 */
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "peer.h"
#include "policy.h"

enum { PAUSE_MS = 1000 };		/* between two starts, if the command does not take what waits */

extern char **environ;

/* The command is to have the signal mask that we had, not the one we wait with. */
static int start(char **command, pid_t *pid)
{
	posix_spawnattr_t attributes;
	sigset_t none;
	int result = posix_spawnattr_init(&attributes);

	if (result)
		return -result;
	sigemptyset(&none);
	result = posix_spawnattr_setsigmask(&attributes, &none);
	if (result == 0)
		result = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	if (result == 0)
		result = posix_spawnp(pid, command[0], NULL, &attributes, command, environ);
	posix_spawnattr_destroy(&attributes);
	return -result;
}

/* A descriptor that becomes readable when the command has ended. */
static int open_child_ends(void)
{
	sigset_t child;
	int fd;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &child, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &child, SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Waits until the command has ended; asks it to, if we are asked to. Returns its exit code, or 128 + the signal that ended it. */
static int follow(pid_t pid, int child_ends, int *is_asked_to_end)
{
	struct signalfd_siginfo news;
	int status;

	for (;;) {
		struct pollfd ready[] = {
			{ .fd = child_ends, .events = POLLIN },
			{ .fd = *is_asked_to_end ? -1 : ends, .events = POLLIN },
		};

		if (poll(ready, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (ready[1].revents) {
			*is_asked_to_end = 1;
			kill(pid, SIGTERM);
		}
		if (ready[0].revents && read(child_ends, &news, sizeof(news)) < 0)
			return -errno;
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

static int activate(struct connection *connection, int child_ends, char **command)
{
	int is_asked_to_end = 0;

	while (!is_asked_to_end) {
		struct pollfd ready[] = {
			{ .fd = ends, .events = POLLIN },
			{ .fd = connection->fd, .events = POLLIN },
		};
		int result;
		pid_t pid;

		if (poll(ready, 2, -1) < 0 && errno != EINTR)
			return fail(-errno, 0, "wait for messages");
		if (ready[0].revents)
			return 0;
		if (ready[1].revents & (POLLERR | POLLHUP))
			return fail(-ECONNRESET, KDBUS_CMD_RECV, "go on");
		if (!ready[1].revents)
			continue;

		printf("a message waits: starting %s\n", command[0]);
		result = start(command, &pid);
		if (result < 0)
			return fail(result, 0, "start %s", command[0]);
		result = follow(pid, child_ends, &is_asked_to_end);
		if (result < 0)
			return fail(result, 0, "wait for %s", command[0]);
		printf("%s ended with exit code %d\n", command[0], result);

		/* A command that takes nothing is not to keep the machine busy. */
		ready[1].revents = 0;
		if (!is_asked_to_end && poll(&ready[1], 1, 0) > 0)
			is_asked_to_end = poll(&ready[0], 1, PAUSE_MS) > 0;
	}
	return 0;
}

static int run(const struct verb *verb, const char *endpoint, int argc, char **argv)
{
	const char *rules[16];
	struct connection connection;
	struct frame hello;
	int rule_count = 0, result, child_ends;

	while (next_option(verb, argc, argv) != -1) {
		if (rule_count == sizeof(rules) / sizeof(rules[0]))
			return fail(-E2BIG, 0, "take so many rules");
		rules[rule_count++] = optarg;
	}
	expect_arguments(verb, argc, 2, -1);
	child_ends = open_child_ends();
	if (child_ends < 0)
		return fail(child_ends, 0, "watch for the command's end");

	connection_prepare(&hello, "peer-activate");
	hello.hello.flags |= KDBUS_HELLO_ACTIVATOR;
	frame_add_text(&hello, KDBUS_ITEM_NAME, argv[optind]);
	for (int i = 0; i < rule_count; i++)
		if (policy_add(&hello, rules[i]) < 0)
			return fail(-EINVAL, 0, "read the rule %s, it is not WHO:LEVEL", rules[i]);
	result = connection_hello(&connection, endpoint, &hello);
	if (result < 0)
		return fail(result, KDBUS_CMD_HELLO, "stand for %s on %s", argv[optind], endpoint);
	printf("connection %llu stands for %s\n", (unsigned long long)connection.id, argv[optind]);
	result = activate(&connection, child_ends, argv + optind + 1);
	connection_close(&connection);
	close(child_ends);
	return result;
}

static const struct option options[] = {
	{ "allow", required_argument, NULL, 'a' },
	OPTIONS_END
};

const struct verb peer_activate = {
	.name = "activate",
	.arguments = "[--allow WHO:LEVEL]... NAME COMMAND [ARGUMENT...]",
	.help = "start a command that owns a name when something is sent to the name; for the owner of the bus\n"
		"\n"
		"  --allow WHO:LEVEL  policy for the name; see `peer ENDPOINT hold --help`\n",
	.options = options,
	.run = run,
};
