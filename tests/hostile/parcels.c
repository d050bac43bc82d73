/* SPDX-License-Identifier: MIT
 *
 * parcels ENDPOINT COUNT: messages with descriptors, of which half arrive and the others are lost in every way there is: dropped, received
 * without a way for descriptors, sent to somebody who ends, answered too late, refused; some of those who send or receive are killed at it.
 *
 * Each message has a pipe, an eventfd, a sealed memfd and a pidfd. At the end this process must have the descriptors that it had at the
 * beginning, and nobody may have a writer of the pipe: its reader sees the end. Writes how many messages were sent.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "connection.h"
#include "frame.h"

enum { FILES = 4, MOST_QUEUED = 4, DEATHS_EVERY = 1000 };

static const char *endpoint;
static struct connection sender, receiver, refusing;
static int channel[2], full[2], pipe_ends[2], counter, sealed;
static long sent;

static void expect(int result, int expected, const char *what)
{
	if (result == expected)
		return;
	fprintf(stderr, "parcels: %s, message %ld: %s, not %s\n", what, sent, strerror(-result), strerror(-expected));
	exit(1);
}

static void must(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "parcels: %s, message %ld: %s\n", what, sent, strerror(errno));
	exit(1);
}

static void say_hello(struct connection *connection, __u64 flags)
{
	struct frame hello;

	connection_prepare(&hello, NULL);
	hello.hello.flags = flags;
	hello.hello.attach_flags_send = KDBUS_ATTACH_PIDFD;
	hello.hello.attach_flags_recv = KDBUS_ATTACH_PIDFD;
	expect(connection_hello(connection, endpoint, &hello), 0, "HELLO");
}

static void pack(struct frame *message, __u64 to, int copies)
{
	const struct kdbus_memfd memfd = { .start = 1, .size = 5, .fd = sealed };
	int fds[32];

	connection_prepare_message(message, to);
	for (int i = 0; i < copies; i++)
		fds[i] = i % 2 ? counter : pipe_ends[1];
	frame_add(message, KDBUS_ITEM_PAYLOAD_MEMFD, &memfd, sizeof(memfd));
	frame_add(message, KDBUS_ITEM_FDS, fds, copies * sizeof(int));
}

static int try_send(struct connection *from, __u64 to)
{
	struct frame message;

	sent++;
	pack(&message, to, 2);
	return connection_transmit(from, &message, "", NULL);
}

static void send_to(__u64 to)
{
	expect(try_send(&sender, to), 0, "SEND");
}

static int take(struct connection *connection, __u64 flags, int socket, struct kdbus_msg_info *at)
{
	struct {
		struct kdbus_cmd_recv recv;
		__u64 size, type;
		__s32 fd, pad;
	} command = { .size = 20, .type = KDBUS_ITEM_FD_SOCKET, .fd = socket };
	int result;

	command.recv.size = socket < 0 ? sizeof(command.recv) : sizeof(command);
	command.recv.flags = flags;
	result = issue(connection->fd, KDBUS_CMD_RECV, &command);
	*at = command.recv.msg;
	return result;
}

static void give_back(struct connection *connection, const struct kdbus_msg_info *at)
{
	expect(connection_free(connection, connection->pool + at->offset), 0, "FREE");
}

static int numbers(int *fds)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(FILES * sizeof(int))];
	} control;
	struct kdbus_fd_message head;
	struct iovec piece = { &head, sizeof(head) };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };

	must(recvmsg(channel[0], &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) == sizeof(head) && head.count == FILES, "recvmsg");
	memcpy(fds, CMSG_DATA(&control.header), sizeof(int) * FILES);
	return head.count;
}

static void arrives(void)
{
	struct frame installed;
	struct kdbus_msg_info at;
	int fds[FILES];

	send_to(receiver.id);
	expect(take(&receiver, 0, channel[1], &at), 0, "RECV");
	must(at.return_flags == 0, "all descriptors");
	numbers(fds);
	frame_begin(&installed, sizeof(struct kdbus_cmd_fds_installed));
	((struct kdbus_cmd_fds_installed *)&installed)->offset = at.offset;
	frame_add(&installed, KDBUS_ITEM_FDS, fds, sizeof(fds));
	expect(frame_issue(&installed, receiver.fd, KDBUS_CMD_FDS_INSTALLED), 0, "FDS_INSTALLED");
	for (int i = 0; i < FILES; i++)
		close(fds[i]);
	give_back(&receiver, &at);
}

static void is_dropped(void)
{
	struct kdbus_msg_info at;

	send_to(receiver.id);
	expect(take(&receiver, KDBUS_RECV_DROP, -1, &at), 0, "DROP");
}

/* The only writer of a pipe is closed when the command returns that takes its message away, and not a moment later. */
static void ends_at_once(__u64 flags)
{
	struct pollfd end = { .events = POLLIN };
	struct frame message;
	struct kdbus_msg_info at;
	int ends[2];

	sent++;
	must(pipe2(ends, O_CLOEXEC) == 0, "pipe");
	connection_prepare_message(&message, receiver.id);
	frame_add(&message, KDBUS_ITEM_FDS, &ends[1], sizeof(int));
	expect(connection_transmit(&sender, &message, "", NULL), 0, "SEND of a pipe");
	close(ends[1]);
	expect(take(&receiver, flags, -1, &at), 0, "RECV of a pipe");
	end.fd = ends[0];
	must(poll(&end, 1, 0) == 1 && end.revents == POLLHUP, "the end of the pipe at once");
	close(ends[0]);
	if (!flags)
		give_back(&receiver, &at);
}

static void has_no_way(int socket)
{
	struct kdbus_msg_info at;

	send_to(receiver.id);
	expect(take(&receiver, 0, socket, &at), 0, "RECV");
	must(at.return_flags == KDBUS_RECV_RETURN_INCOMPLETE_FDS, "missing descriptors");
	give_back(&receiver, &at);
}

static void loses_its_receiver(void)
{
	struct connection other;

	say_hello(&other, KDBUS_HELLO_ACCEPT_FD);
	for (int i = 0; i < MOST_QUEUED; i++)
		send_to(other.id);
	connection_close(&other);
}

static void clear(struct connection *connection)
{
	struct kdbus_msg_info at;

	while (take(connection, KDBUS_RECV_DROP, -1, &at) == 0)
		;
}

/* What was too late from the beginning was not even sent. */
static void is_late(unsigned milliseconds)
{
	const struct kdbus_msg *answer;
	struct frame message;

	sent++;
	pack(&message, receiver.id, 2);
	connection_expect_reply(&message, sent, milliseconds);
	expect(connection_transmit(&sender, &message, "", &answer), -ETIMEDOUT, "call");
	clear(&receiver);
}

static void is_too_much(void)
{
	struct kdbus_msg_info at;
	struct frame message;

	sent++;
	pack(&message, receiver.id, 16);
	expect(connection_transmit(&sender, &message, "", NULL), 0, "SEND of 16");
	expect(try_send(&sender, receiver.id), -EMFILE, "SEND beyond 16");
	expect(take(&receiver, KDBUS_RECV_DROP, -1, &at), 0, "DROP");
}

static void is_refused(void)
{
	struct kdbus_msg_info at;

	expect(try_send(&sender, refusing.id), -ECOMM, "SEND to who accepts none");
	expect(try_send(&sender, ~0ULL >> 1), -ENXIO, "SEND to nobody");
	expect(take(&refusing, 0, -1, &at), -EAGAIN, "RECV");
}

/* A child that waits to be killed, with messages in its queue. */
static void receiver_is_killed(void)
{
	struct connection other;
	int ready[2];
	__u64 id;
	pid_t pid;

	must(pipe2(ready, O_CLOEXEC) == 0, "pipe");
	pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		say_hello(&other, KDBUS_HELLO_ACCEPT_FD);
		must(write(ready[1], &other.id, sizeof(id)) == sizeof(id), "write");
		for (;;)
			pause();
	}
	must(read(ready[0], &id, sizeof(id)) == sizeof(id), "read");
	for (int i = 0; i < MOST_QUEUED; i++)
		send_to(id);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
}

/* A child that sends as fast as it can, and is killed at some point of that. */
static void sender_is_killed(void)
{
	const struct timespec moment = { 0, 200000 + rand() % 3000000 };
	struct connection other;
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (pid == 0) {
		say_hello(&other, KDBUS_HELLO_ACCEPT_FD);
		for (;;) {
			try_send(&other, receiver.id);
			try_send(&other, other.id);
		}
	}
	nanosleep(&moment, NULL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	clear(&receiver);
}

static int open_files(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	must(directory != NULL, "/proc/self/fd");
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

int main(int argc, char **argv)
{
	struct pollfd end = { .events = POLLIN };
	long most;
	int before;

	if (argc != 3) {
		fprintf(stderr, "usage: parcels ENDPOINT COUNT\n");
		return 2;
	}
	endpoint = argv[1];
	most = atol(argv[2]);
	say_hello(&sender, KDBUS_HELLO_ACCEPT_FD);
	say_hello(&receiver, KDBUS_HELLO_ACCEPT_FD);
	say_hello(&refusing, 0);
	counter = eventfd(0, EFD_CLOEXEC);
	sealed = memfd_create("parcel", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	must(write(sealed, "content", 7) == 7, "content");
	must(fcntl(sealed, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0, "seals");
	must(pipe2(pipe_ends, O_CLOEXEC) == 0, "pipe");
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, channel) == 0, "channel");
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, full) == 0, "channel");
	while (send(full[1], "", 1, 0) == 1)
		;
	before = open_files();

	for (long turn = 0; sent < most; turn++) {
		for (int i = 0; i < 16; i++)
			arrives();
		is_dropped();
		ends_at_once(0);
		ends_at_once(KDBUS_RECV_DROP);
		has_no_way(-1);
		has_no_way(full[1]);
		has_no_way(pipe_ends[0]);
		loses_its_receiver();
		is_late(1);
		is_late(0);
		is_too_much();
		is_refused();
		if (turn % (DEATHS_EVERY / 32) == 0) {
			receiver_is_killed();
			sender_is_killed();
		}
	}
	must(open_files() == before, "as many open files as before");

	/* Anything that is asked is heard after the end of whoever was killed. */
	clear(&receiver);
	close(pipe_ends[1]);
	end.fd = pipe_ends[0];
	must(poll(&end, 1, 5000) == 1 && end.revents == POLLHUP, "the end of the pipe");
	printf("%ld\n", sent);
	return 0;
}
