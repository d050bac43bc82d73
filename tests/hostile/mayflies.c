/* SPDX-License-Identifier: MIT
 *
 * mayflies ENDPOINT COUNT [NUMBER]: processes that are all different, send one message each and end at once. A batch of them is dead and buried
 * before their messages are received, and each message must describe its sender completely: its ids and groups, its numbers, its name.
 * Half of them send as a connection of their own, the others as that of their parent.
 *
 * With NUMBER they come one at a time and all get that process number; for this the program must be root of its pid namespace. What is
 * told of each must be its own, and the number in PIDFS_ID must tell it from all others.
 *
 * Writes how many were described.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "connection.h"
#include "frame.h"

enum { BATCH = 16, FIRST_USER = 200000, FIRST_GROUP = 300000 };

#define KINDS (KDBUS_ATTACH_CREDS | KDBUS_ATTACH_PIDS | KDBUS_ATTACH_AUXGROUPS | KDBUS_ATTACH_TID_COMM | KDBUS_ATTACH_PID_COMM | \
	       KDBUS_ATTACH_EXE | KDBUS_ATTACH_CMDLINE | KDBUS_ATTACH_CAPS | KDBUS_ATTACH_PIDFS_ID | KDBUS_ATTACH_START_TIME)

static const char *endpoint, *self;
static struct connection receiver, shared;
static char program[4096];
static __u64 *identities;
static int described;

static _Noreturn void broken(const char *what, int number)
{
	fprintf(stderr, "mayflies: %s of sender %d: %s\n", what, number, strerror(errno));
	exit(1);
}

static void connect_as_sender(struct connection *connection)
{
	struct frame hello;

	connection_prepare(&hello, NULL);
	hello.hello.attach_flags_send = KINDS;
	errno = -connection_hello(connection, endpoint, &hello);
	if (errno)
		broken("HELLO", -1);
}

static _Noreturn void fly(int number)
{
	const gid_t group = FIRST_GROUP + number;
	struct connection own, *connection = &shared;
	struct frame message;
	char name[16];

	if (number % 2) {
		connect_as_sender(&own);
		connection = &own;
	}
	snprintf(name, sizeof(name), "fly-%d", number);
	if (prctl(PR_SET_NAME, name) || setgroups(1, &group) || setresgid(group + 1, group + 2, group + 3) ||
	    setresuid(FIRST_USER + number, FIRST_USER + number + 1, FIRST_USER + number + 2))
		broken("ids", number);
	connection_prepare_message(&message, receiver.id);
	message.message.cookie = number + 1;
	errno = -connection_transmit(connection, &message, "", NULL);
	if (errno)
		broken("SEND", number);
	_exit(0);
}

static void expect(int holds, const char *what, int number)
{
	if (holds)
		return;
	errno = 0;
	broken(what, number);
}

static void check(const struct kdbus_msg *message, pid_t pid)
{
	const int number = message->cookie - 1;
	const __u64 user = FIRST_USER + number, group = FIRST_GROUP + number;
	__u64 told = 0;
	char name[16];

	snprintf(name, sizeof(name), "fly-%d", number);
	for_each_item(item, message) {
		const struct kdbus_creds *c = &item->creds;

		if (item->type < _KDBUS_ITEM_ATTACH_BASE)
			continue;
		told |= 1ULL << (item->type - _KDBUS_ITEM_ATTACH_BASE);
		switch (item->type) {
		case KDBUS_ITEM_CREDS:
			expect(c->uid == user && c->euid == user + 1 && c->suid == user + 2 && c->fsuid == user + 1, "users", number);
			expect(c->gid == group + 1 && c->egid == group + 2 && c->sgid == group + 3 && c->fsgid == group + 2, "groups", number);
			break;
		case KDBUS_ITEM_PIDS:
			expect(item->pids.pid == (__u64)pid && item->pids.tid == (__u64)pid && item->pids.ppid == (__u64)getpid(), "numbers", number);
			break;
		case KDBUS_ITEM_AUXGROUPS:
			expect(item->size == ITEM_HEADER + 8 && item->data64[0] == group, "supplementary groups", number);
			break;
		case KDBUS_ITEM_TID_COMM:
		case KDBUS_ITEM_PID_COMM:
			expect(strcmp(item->str, name) == 0, "name", number);
			break;
		case KDBUS_ITEM_EXE:
			expect(strcmp(item->str, program) == 0, "program", number);
			break;
		case KDBUS_ITEM_CMDLINE:
			expect(strcmp(item->str, self) == 0, "command line", number);
			break;
		case KDBUS_ITEM_CAPS:
			expect(item->caps.caps[2] == 0 && item->caps.caps[4] == 0, "capabilities", number);
			break;
		case KDBUS_ITEM_PIDFS_ID:
			identities[described] = item->id;
			break;
		}
	}
	expect(told == KINDS, "kinds", number);
	described++;
}

static void set_next_pid(pid_t pid)
{
	const int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || dprintf(fd, "%d", (int)pid - 1) < 0)
		broken("the next process number", pid);
	close(fd);
}

/* A thread of the daemon that is made at this moment may get the number: then once more. */
static pid_t fork_as(pid_t wanted)
{
	for (;;) {
		pid_t pid;

		set_next_pid(wanted);
		pid = fork();
		if (pid == 0 && getpid() != wanted)
			_exit(0);
		if (pid <= 0 || pid == wanted)
			return pid;
		waitpid(pid, NULL, 0);
	}
}

static void generation(int first, int count, pid_t wanted)
{
	pid_t pids[BATCH];

	for (int i = 0; i < count; i++) {
		pids[i] = wanted ? fork_as(wanted) : fork();
		if (pids[i] == 0)
			fly(first + i);
		expect(pids[i] > 0, "fork", first + i);
	}
	for (int i = 0; i < count; i++) {
		int status;

		expect(waitpid(pids[i], &status, 0) == pids[i] && status == 0, "end", first + i);
	}
	for (int i = 0; i < count; i++) {
		const struct kdbus_msg *message;

		errno = -connection_take(&receiver, &message);
		if (errno)
			broken("message", first + i);
		check(message, pids[message->cookie - 1 - first]);
		connection_free(&receiver, message);
	}
}

static int by_number(const void *left, const void *right)
{
	const __u64 l = *(const __u64 *)left, r = *(const __u64 *)right;

	return (l > r) - (l < r);
}

int main(int argc, char **argv)
{
	const int count = argc > 2 ? atoi(argv[2]) : 0, wanted = argc > 3 ? atoi(argv[3]) : 0;
	struct frame hello;

	if (count < 1 || argc > 4) {
		fprintf(stderr, "usage: mayflies ENDPOINT COUNT [NUMBER]\n");
		return 2;
	}
	endpoint = argv[1];
	self = argv[0];
	identities = calloc(count, sizeof(*identities));
	if (!identities || readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
		broken("beginning", -1);
	connection_prepare(&hello, NULL);
	hello.hello.attach_flags_recv = KINDS;
	errno = -connection_hello(&receiver, endpoint, &hello);
	if (errno)
		broken("HELLO", -1);
	connect_as_sender(&shared);

	for (int first = 0; first < count; first += wanted ? 1 : BATCH)
		generation(first, wanted ? 1 : count - first < BATCH ? count - first : BATCH, wanted);
	qsort(identities, count, sizeof(*identities), by_number);
	for (int i = 1; i < count; i++)
		expect(identities[i] != identities[i - 1], "identity", i);
	printf("%d\n", described);
	return 0;
}
