/* SPDX-License-Identifier: MIT
 *
 * carry DOMAIN TEST: a program that knows of nothing but kdbus.h, and gets descriptors. It makes a bus and is all that is on it. What went wrong
 * is written to standard error, and the exit code is 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <kdbus.h>

#define ALIGN8(n) (((n) + 7) & ~(__u64)7)
#define HEADER offsetof(struct kdbus_item, data)
#define PATIENCE_MS 60000
#define POOL (1 << 20)
#define CONTENT "what the memfd holds"

#define check(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "carry.c:%d: not so: %s (errno %d)\n", __LINE__, #condition, errno); \
			_exit(1); \
		} \
	} while (0)

struct peer {
	int fd;
	__u64 id;
	unsigned char *pool;
};

/* A message with what this program puts into one. */
struct message {
	struct kdbus_msg header;
	unsigned char items[1024];
};

/* What is carried, as the sender has it. */
struct cargo {
	int pipe[2];
	int socket;
	in_port_t port;
	int memfd;
};

static char endpoint[4096];

/* ---- a bus and who is on it ---------------------------------------------------------------------------------------------------- */

static struct kdbus_item *add(void *structure, __u64 type, const void *payload, size_t size)
{
	__u64 *total = structure;
	struct kdbus_item *item = (struct kdbus_item *)((char *)structure + *total);

	memset(item, 0, ALIGN8(HEADER + size));
	item->size = HEADER + size;
	item->type = type;
	memcpy(item->data, payload, size);
	*total += ALIGN8(item->size);
	return item;
}

static void make_bus(const char *domain)
{
	struct {
		struct kdbus_cmd command;
		unsigned char items[256];
	} make = { .command.size = sizeof(make.command), .command.flags = KDBUS_MAKE_ACCESS_WORLD };
	const struct kdbus_bloom_parameter bloom = { .size = 8, .n_hash = 1 };
	char path[2048], name[64];
	int control;	/* the bus lives while it is open, also across exec */

	snprintf(name, sizeof(name), "%u-carry-%d", geteuid(), getpid());
	snprintf(path, sizeof(path), "%s/control", domain);
	snprintf(endpoint, sizeof(endpoint), "%s/%s/bus", domain, name);
	control = open(path, O_RDWR);
	check(control >= 0);
	add(&make, KDBUS_ITEM_MAKE_NAME, name, strlen(name) + 1);
	add(&make, KDBUS_ITEM_BLOOM_PARAMETER, &bloom, sizeof(bloom));
	check(ioctl(control, KDBUS_CMD_BUS_MAKE, &make) == 0);
}

static void map_pool(struct peer *peer)
{
	peer->pool = mmap(NULL, POOL, PROT_READ, MAP_SHARED, peer->fd, 0);
	check(peer->pool != MAP_FAILED);
}

static struct peer connect_peer(void)
{
	struct kdbus_cmd_hello hello = { .size = sizeof(hello), .flags = KDBUS_HELLO_ACCEPT_FD, .attach_flags_send = _KDBUS_ATTACH_ANY, .pool_size = POOL };
	struct peer peer = { .fd = open(endpoint, O_RDWR | O_CLOEXEC) };

	check(peer.fd >= 0);
	check(ioctl(peer.fd, KDBUS_CMD_HELLO, &hello) == 0);
	peer.id = hello.id;
	map_pool(&peer);
	return peer;
}

static void give_back(struct peer *peer, __u64 offset)
{
	struct kdbus_cmd_free command = { .size = sizeof(command), .offset = offset };

	check(ioctl(peer->fd, KDBUS_CMD_FREE, &command) == 0);
}

/* Closes in this process what makes up a connection, which another process has too. */
static void leave(struct peer *peer)
{
	munmap(peer->pool, POOL);
	close(peer->fd);
}

static pid_t fork_with_parent(void)
{
	const pid_t parent = getpid();
	const pid_t child = fork();

	check(child >= 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return child;
}

static void expect_success(pid_t child)
{
	int status;

	check(waitpid(child, &status, 0) == child);
	check(status == 0);
}

/* ---- messages ------------------------------------------------------------------------------------------------------------------ */

static struct message message_to(__u64 to)
{
	return (struct message){ .header = { .size = sizeof(struct kdbus_msg), .dst_id = to, .payload_type = KDBUS_PAYLOAD_DBUS, .cookie = 1 } };
}

static struct message request_to(__u64 to, __u64 cookie)
{
	struct message request = message_to(to);
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	request.header.flags = KDBUS_MSG_EXPECT_REPLY;
	request.header.cookie = cookie;
	request.header.timeout_ns = (now.tv_sec + PATIENCE_MS / 1000) * 1000000000ULL;
	return request;
}

static struct message reply_to(const struct kdbus_msg *request)
{
	struct message reply = message_to(request->src_id);

	reply.header.cookie_reply = request->cookie;
	return reply;
}

static void transmit(struct peer *peer, struct message *message)
{
	struct kdbus_cmd_send send = { .size = sizeof(send), .msg_address = (uintptr_t)message };

	check(ioctl(peer->fd, KDBUS_CMD_SEND, &send) == 0);
}

/* Sends a request and waits for the reply: 0 and what the bus says of it, or -1 with errno. */
static int call(struct peer *peer, struct message *request, struct kdbus_msg_info *reply)
{
	struct kdbus_cmd_send send = { .size = sizeof(send), .flags = KDBUS_SEND_SYNC_REPLY, .msg_address = (uintptr_t)request };
	const int result = ioctl(peer->fd, KDBUS_CMD_SEND, &send);

	*reply = send.reply;
	return result;
}

static const struct kdbus_msg *at(struct peer *peer, const struct kdbus_msg_info *info)
{
	return (const struct kdbus_msg *)(peer->pool + info->offset);
}

static struct kdbus_msg_info receive(struct peer *peer)
{
	struct kdbus_cmd_recv recv = { .size = sizeof(recv) };
	struct pollfd readable = { .fd = peer->fd, .events = POLLIN };

	while (ioctl(peer->fd, KDBUS_CMD_RECV, &recv) < 0) {
		check(errno == EAGAIN);
		check(recv.msg.offset == POOL && recv.msg.msg_size == 0);
		check(poll(&readable, 1, PATIENCE_MS) == 1);
	}
	return recv.msg;
}

static const struct kdbus_item *find(const struct kdbus_msg *message, __u64 type)
{
	const char *end = (const char *)message + message->size;

	for (const struct kdbus_item *item = message->items; (const char *)item < end;
	     item = (const struct kdbus_item *)((const char *)item + ALIGN8(item->size)))
		if (item->type == type)
			return item;
	check(!"an item that should be there");
	return NULL;
}

/* ---- cargo --------------------------------------------------------------------------------------------------------------------- */

static struct cargo load(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	struct cargo cargo = { .memfd = memfd_create("cargo", MFD_ALLOW_SEALING | MFD_CLOEXEC) };

	check(pipe2(cargo.pipe, O_CLOEXEC) == 0);
	cargo.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check(cargo.socket >= 0);
	check(bind(cargo.socket, (struct sockaddr *)&address, sizeof(address)) == 0);
	check(getsockname(cargo.socket, (struct sockaddr *)&address, &length) == 0);
	cargo.port = address.sin_port;
	check(write(cargo.memfd, CONTENT, sizeof(CONTENT)) == sizeof(CONTENT));
	check(fcntl(cargo.memfd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0);
	return cargo;
}

/* The port goes along as payload: memory of the sender. The memfd comes first, to see that order in the message does not count. */
static void put(struct message *message, const struct cargo *cargo)
{
	const struct kdbus_memfd memfd = { .size = sizeof(CONTENT), .fd = cargo->memfd };
	const struct kdbus_vec port = { .size = sizeof(cargo->port), .address = (uintptr_t)&cargo->port };
	const int fds[] = { cargo->pipe[1], cargo->socket };

	add(message, KDBUS_ITEM_PAYLOAD_MEMFD, &memfd, sizeof(memfd));
	add(message, KDBUS_ITEM_PAYLOAD_VEC, &port, sizeof(port));
	add(message, KDBUS_ITEM_FDS, fds, sizeof(fds));
}

/* The numbers that the next descriptors get. */
struct numbers {
	int next[3];
};

static struct numbers next_numbers(void)
{
	struct numbers numbers;

	for (int i = 0; i < 3; i++) {
		numbers.next[i] = dup(0);
		check(numbers.next[i] >= 0);
	}
	for (int i = 0; i < 3; i++)
		close(numbers.next[i]);
	return numbers;
}

static void expect_open(int fd, int number)
{
	check(fd == number);
	check(fcntl(fd, F_GETFD) == FD_CLOEXEC);
}

/* All of it is there, works, also in a child, and is where dup would have put it. */
static void unload(const struct kdbus_msg *message, struct numbers expected)
{
	const struct kdbus_item *fds = find(message, KDBUS_ITEM_FDS), *memfd = find(message, KDBUS_ITEM_PAYLOAD_MEMFD);
	const struct kdbus_item *port = find(message, KDBUS_ITEM_PAYLOAD_OFF);
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	char text[sizeof(CONTENT)];
	pid_t child;

	check(fds->size == HEADER + 2 * sizeof(int));
	expect_open(fds->fds[0], expected.next[0]);
	expect_open(fds->fds[1], expected.next[1]);
	expect_open(memfd->memfd.fd, expected.next[2]);
	check(getsockname(fds->fds[1], (struct sockaddr *)&address, &length) == 0);
	check(memcmp((const char *)message + port->vec.offset, &address.sin_port, sizeof(address.sin_port)) == 0);
	check(fcntl(memfd->memfd.fd, F_GET_SEALS) & F_SEAL_WRITE);
	check(memfd->memfd.size == sizeof(CONTENT));
	check(pread(memfd->memfd.fd, text, sizeof(text), 0) == sizeof(CONTENT) && strcmp(text, CONTENT) == 0);
	check(write(fds->fds[0], "p", 1) == 1);
	child = fork_with_parent();
	if (child == 0)
		_exit(write(fds->fds[0], "c", 1) != 1);
	expect_success(child);
	close(fds->fds[0]);
	close(fds->fds[1]);
	close(memfd->memfd.fd);
}

/* The sender sees by the pipe that its other end has arrived. */
static void expect_delivered(struct cargo *cargo)
{
	char text[3];
	size_t length = 0;
	ssize_t count;

	close(cargo->pipe[1]);
	close(cargo->socket);
	close(cargo->memfd);
	while (length < sizeof(text) && (count = read(cargo->pipe[0], text + length, sizeof(text) - length)) > 0)
		length += count;
	check(length == 2 && memcmp(text, "pc", 2) == 0);
	close(cargo->pipe[0]);
}

/* ---- tests --------------------------------------------------------------------------------------------------------------------- */

static void send_cargo(struct peer *peer, struct message message)
{
	struct cargo cargo = load();

	put(&message, &cargo);
	transmit(peer, &message);
	expect_delivered(&cargo);
}

static pid_t start_sender(__u64 to)
{
	const pid_t child = fork_with_parent();

	if (child == 0) {
		struct peer peer = connect_peer();

		send_cargo(&peer, message_to(to));
		_exit(0);
	}
	return child;
}

static void receive_cargo(struct peer *peer)
{
	const struct numbers expected = next_numbers();
	const struct kdbus_msg_info info = receive(peer);

	check(info.return_flags == 0);
	unload(at(peer, &info), expected);
	give_back(peer, info.offset);
}

static void test_recv(void)
{
	struct peer peer = connect_peer();

	/* Twice: by then we are known. */
	for (int i = 0; i < 2; i++) {
		const pid_t sender = start_sender(peer.id);

		receive_cargo(&peer);
		expect_success(sender);
	}
}

/* A service that answers one request, after some preparation that is told about the request. */
static pid_t start_service(__u64 *id, void (*prepare)(const struct kdbus_msg *request), int rounds)
{
	struct peer peer = connect_peer();
	pid_t child;

	*id = peer.id;
	child = fork_with_parent();
	if (child == 0) {
		while (rounds--) {
			const struct kdbus_msg_info info = receive(&peer);
			const struct kdbus_msg *request = at(&peer, &info);

			if (prepare)
				prepare(request);
			send_cargo(&peer, reply_to(request));
			give_back(&peer, info.offset);
		}
		_exit(0);
	}
	leave(&peer);
	return child;
}

static void call_for_cargo(struct peer *peer, __u64 to, __u64 cookie)
{
	const struct numbers expected = next_numbers();
	struct message request = request_to(to, cookie);
	struct kdbus_msg_info reply;

	check(call(peer, &request, &reply) == 0);
	check(reply.return_flags == 0);
	unload(at(peer, &reply), expected);
	give_back(peer, reply.offset);
}

static void test_reply(void)
{
	__u64 service;
	const pid_t child = start_service(&service, NULL, 2);
	struct peer peer = connect_peer();

	call_for_cargo(&peer, service, 1);
	call_for_cargo(&peer, service, 2);
	expect_success(child);
}

/* The request brings something too: it is made in our place, from our memory and with our descriptors. */
static void check_request(const struct kdbus_msg *request)
{
	const struct kdbus_item *fds = find(request, KDBUS_ITEM_FDS);

	check(write(fds->fds[0], "pc", 2) == 2);
	close(fds->fds[0]);
	close(fds->fds[1]);
	close(find(request, KDBUS_ITEM_PAYLOAD_MEMFD)->memfd.fd);
}

static void test_request(void)
{
	__u64 service;
	const pid_t child = start_service(&service, check_request, 1);
	struct peer peer = connect_peer();
	struct message request = request_to(service, 1);
	struct cargo cargo = load();
	const struct numbers expected = next_numbers();
	struct kdbus_msg_info reply;

	put(&request, &cargo);
	check(call(&peer, &request, &reply) == 0);
	unload(at(&peer, &reply), expected);
	expect_delivered(&cargo);
	expect_success(child);
}

static void allow_files(int count)
{
	struct rlimit limit;

	check(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = count;
	check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

/* There is room for one: the first one, since they are numbered in order. */
static void expect_one_of_three(const struct kdbus_msg *message, __u64 return_flags, int lowest)
{
	const struct kdbus_item *fds = find(message, KDBUS_ITEM_FDS);

	check(return_flags == KDBUS_RECV_RETURN_INCOMPLETE_FDS);
	expect_open(fds->fds[0], lowest);
	check(fds->fds[1] == -1);
	check(find(message, KDBUS_ITEM_PAYLOAD_MEMFD)->memfd.fd == -1);
	check(write(fds->fds[0], "pc", 2) == 2);
	close(fds->fds[0]);
}

static void test_limit(void)
{
	__u64 service;
	const pid_t child = start_service(&service, NULL, 1);
	struct peer peer = connect_peer();
	const pid_t sender = start_sender(peer.id);
	struct message request = request_to(service, 1);
	const struct numbers expected = next_numbers();
	struct kdbus_msg_info info;

	allow_files(expected.next[0] + 1);
	info = receive(&peer);
	expect_one_of_three(at(&peer, &info), info.return_flags, expected.next[0]);
	expect_success(sender);
	check(call(&peer, &request, &info) == 0);
	expect_one_of_three(at(&peer, &info), info.return_flags, expected.next[0]);
	expect_success(child);
}

static int handled[2];
static pid_t caller;
static int signal_to_send;

static void handle(int number)
{
	(void)number;
	check(write(handled[1], "h", 1) == 1);
}

static void set_handler(int flags)
{
	const struct sigaction action = { .sa_handler = handle, .sa_flags = flags };

	check(pipe2(handled, O_CLOEXEC) == 0);
	check(sigaction(SIGUSR1, &action, NULL) == 0);
	caller = getpid();
	signal_to_send = SIGUSR1;
}

/* The request has come, so its sender waits. It gets a signal, and the reply only when its handler has run. */
static void disturb(const struct kdbus_msg *request)
{
	char byte;

	(void)request;
	check(kill(caller, signal_to_send) == 0);
	check(read(handled[0], &byte, 1) == 1);
}

static void test_restart(void)
{
	struct peer peer;
	__u64 service;
	pid_t child;

	set_handler(SA_RESTART);
	child = start_service(&service, disturb, 1);
	peer = connect_peer();
	call_for_cargo(&peer, service, 1);
	expect_success(child);
}

static void *idle(void *unused)
{
	for (;;)
		pause();
	return unused;
}

/* A signal for a process of several threads, of which only the one that calls takes it. */
static void test_restart_threads(void)
{
	sigset_t signals;
	pthread_t thread;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	check(pthread_sigmask(SIG_BLOCK, &signals, NULL) == 0);
	check(pthread_create(&thread, NULL, idle, NULL) == 0);
	check(pthread_sigmask(SIG_UNBLOCK, &signals, NULL) == 0);
	test_restart();
}

static void test_interrupt(void)
{
	struct kdbus_msg_info reply;
	struct message request;
	struct peer peer;
	__u64 service;
	pid_t child;

	set_handler(0);
	child = start_service(&service, disturb, 1);
	peer = connect_peer();
	request = request_to(service, 1);
	check(call(&peer, &request, &reply) == -1);
	check(errno == EINTR);
	check(kill(child, SIGKILL) == 0);
	check(waitpid(child, NULL, 0) == child);
}

static pid_t start_caller(__u64 to)
{
	const pid_t child = fork_with_parent();

	if (child == 0) {
		struct peer peer = connect_peer();

		call_for_cargo(&peer, to, 1);
		_exit(0);
	}
	return child;
}

/* A caller that is stopped while it waits stops at once, and goes on waiting when it is continued. */
static void test_stop(void)
{
	struct peer peer = connect_peer();
	const pid_t child = start_caller(peer.id);
	const struct kdbus_msg_info info = receive(&peer);
	int status;

	check(kill(child, SIGTSTP) == 0);
	check(waitpid(child, &status, WUNTRACED) == child);
	check(WIFSTOPPED(status));
	check(kill(child, SIGCONT) == 0);
	send_cargo(&peer, reply_to(at(&peer, &info)));
	expect_success(child);
}

/* A caller that is killed while it waits is gone from the bus. */
static void test_kill(void)
{
	struct peer peer = connect_peer();
	struct {
		struct kdbus_cmd_match command;
		unsigned char items[64];
	} match = { .command.size = sizeof(match.command) };
	const struct kdbus_notify_id_change any = { .id = KDBUS_MATCH_ID_ANY };
	struct kdbus_msg_info info;
	pid_t child;
	__u64 id;

	add(&match, KDBUS_ITEM_ID_REMOVE, &any, sizeof(any));
	check(ioctl(peer.fd, KDBUS_CMD_MATCH_ADD, &match) == 0);
	child = start_caller(peer.id);
	info = receive(&peer);
	id = at(&peer, &info)->src_id;
	give_back(&peer, info.offset);
	check(kill(child, SIGKILL) == 0);
	check(waitpid(child, NULL, 0) == child);
	info = receive(&peer);
	check(find(at(&peer, &info), KDBUS_ITEM_ID_REMOVE)->id_change.id == id);
}

static void test_cancel(void)
{
	struct peer peer = connect_peer();
	int cancel[2], status;
	struct kdbus_msg_info info;
	pid_t child;

	check(pipe2(cancel, O_CLOEXEC) == 0);
	child = fork_with_parent();
	if (child == 0) {
		struct peer own = connect_peer();
		struct message request = request_to(peer.id, 1);
		struct {
			struct kdbus_cmd_send command;
			unsigned char items[64];
		} send = { .command = { .size = sizeof(send.command), .flags = KDBUS_SEND_SYNC_REPLY, .msg_address = (uintptr_t)&request } };

		add(&send, KDBUS_ITEM_CANCEL_FD, &cancel[0], sizeof(cancel[0]));
		check(ioctl(own.fd, KDBUS_CMD_SEND, &send) == -1);
		check(errno == ECANCELED);
		_exit(0);
	}
	info = receive(&peer);
	check(info.return_flags == 0);
	check(write(cancel[1], "c", 1) == 1);
	check(waitpid(child, &status, 0) == child);
	check(status == 0);
}

enum { CALLERS = 40 };

static __u64 busy_service;

static void *call_once(void *unused)
{
	struct peer peer = connect_peer();
	struct message request = request_to(busy_service, 1);
	struct kdbus_msg_info reply;
	const struct kdbus_item *fds;

	check(call(&peer, &request, &reply) == 0);
	check(reply.return_flags == 0);
	fds = find(at(&peer, &reply), KDBUS_ITEM_FDS);
	check(write(fds->fds[0], "pc", 2) == 2);
	check(fcntl(find(at(&peer, &reply), KDBUS_ITEM_PAYLOAD_MEMFD)->memfd.fd, F_GET_SEALS) > 0);
	close(fds->fds[0]);
	leave(&peer);
	return unused;
}

/* Many threads of one process wait at the same time, and get their replies last come, first served. */
static void test_crowd(void)
{
	struct peer peer = connect_peer();
	const pid_t child = fork_with_parent();
	struct kdbus_msg_info infos[CALLERS];

	if (child == 0) {
		pthread_t threads[CALLERS];

		busy_service = peer.id;
		for (int i = 0; i < CALLERS; i++)
			check(pthread_create(&threads[i], NULL, call_once, NULL) == 0);
		for (int i = 0; i < CALLERS; i++)
			check(pthread_join(threads[i], NULL) == 0);
		_exit(0);
	}
	for (int i = 0; i < CALLERS; i++)
		infos[i] = receive(&peer);
	for (int i = CALLERS - 1; i >= 0; i--)
		send_cargo(&peer, reply_to(at(&peer, &infos[i])));
	expect_success(child);
}

/* The same thread has other memory after exec. */
static void test_exec(const char *self)
{
	struct peer peer = connect_peer();
	const pid_t sender = start_sender(peer.id);
	char number[16];

	receive_cargo(&peer);
	expect_success(sender);
	check(fcntl(peer.fd, F_SETFD, 0) == 0);
	snprintf(number, sizeof(number), "%d", peer.fd);
	start_sender(peer.id);
	execl(self, self, number, "executed", NULL);
	check(!"exec");
}

static void test_executed(int fd)
{
	struct peer peer = { .fd = fd };
	int status;

	map_pool(&peer);
	receive_cargo(&peer);
	check(wait(&status) > 0 && status == 0);
}

/* A pool that is not mapped writable, a command that is wrong, a file that is none: whatever fails, fails as ever. */
static void tell(const char *what, int result)
{
	printf("%s: %s\n", what, result < 0 ? strerrorname_np(errno) : "success");
}

static void test_errors(void)
{
	struct peer peer = connect_peer();
	struct message message = request_to(peer.id + 1000, 1), wrong = message;
	struct kdbus_cmd_send send = { .size = sizeof(send), .flags = KDBUS_SEND_SYNC_REPLY, .msg_address = (uintptr_t)&message };
	struct {
		struct kdbus_cmd_recv command;
		unsigned char items[64];
	} recv = { .command.size = sizeof(recv.command) };
	const struct kdbus_vec nowhere = { .size = 8, .address = 8 }, empty = { .size = 0, .address = 8 }, huge = { .size = 3 << 20, .address = (uintptr_t)peer.pool };
	const int closed[] = { 999 };
	const struct kdbus_memfd memfd = { .size = 8, .fd = 999 };
	const __u64 types[] = { KDBUS_ITEM_CANCEL_FD, 0x7777 };
	int pipe[2], null = open("/dev/null", O_RDONLY), file = memfd_create("file", 0), tree = open(endpoint, O_PATH);
	struct kdbus_cmd_send negotiate = { .size = sizeof(negotiate), .flags = KDBUS_FLAG_NEGOTIATE };

	check(pipe2(pipe, 0) == 0);
	tell("nobody", ioctl(peer.fd, KDBUS_CMD_SEND, &send));
	tell("no message", (send.msg_address = 8, ioctl(peer.fd, KDBUS_CMD_SEND, &send)));
	tell("an odd address", (send.msg_address = (uintptr_t)&message + 4, ioctl(peer.fd, KDBUS_CMD_SEND, &send)));
	send.msg_address = (uintptr_t)&wrong;
	add(&wrong, KDBUS_ITEM_PAYLOAD_VEC, &nowhere, sizeof(nowhere));
	tell("no payload", ioctl(peer.fd, KDBUS_CMD_SEND, &send));
	wrong = message;
	add(&wrong, KDBUS_ITEM_PAYLOAD_VEC, &empty, sizeof(empty));
	tell("an empty vector", ioctl(peer.fd, KDBUS_CMD_SEND, &send));
	wrong = message;
	add(&wrong, KDBUS_ITEM_PAYLOAD_VEC, &huge, sizeof(huge));
	tell("too large", ioctl(peer.fd, KDBUS_CMD_SEND, &send));
	wrong = message;
	add(&wrong, KDBUS_ITEM_FDS, closed, sizeof(closed));
	tell("a closed descriptor", ioctl(peer.fd, KDBUS_CMD_SEND, &send));
	wrong = message;
	add(&wrong, KDBUS_ITEM_PAYLOAD_MEMFD, &memfd, sizeof(memfd));
	tell("a closed memfd", ioctl(peer.fd, KDBUS_CMD_SEND, &send));
	wrong = message;
	wrong.header.size = 63;
	tell("a short message", ioctl(peer.fd, KDBUS_CMD_SEND, &send));
	wrong = message;
	wrong.header.timeout_ns = 1;
	wrong.header.dst_id = peer.id;
	tell("a call to oneself", ioctl(peer.fd, KDBUS_CMD_SEND, &send));
	tell("an unknown flag", (send.flags = 2, ioctl(peer.fd, KDBUS_CMD_SEND, &send)));
	tell("a short command", (send.size = 55, ioctl(peer.fd, KDBUS_CMD_SEND, &send)));
	tell("negotiation", ioctl(peer.fd, KDBUS_CMD_SEND, &negotiate));
	printf("flags: %llx\n", (unsigned long long)negotiate.flags);
	tell("nothing to receive", ioctl(peer.fd, KDBUS_CMD_RECV, &recv));
	printf("offset: %llx, size %llx\n", (unsigned long long)recv.command.msg.offset, (unsigned long long)recv.command.msg.msg_size);
	add(&recv, KDBUS_ITEM_NEGOTIATE, types, sizeof(types));
	tell("known items", ioctl(peer.fd, KDBUS_CMD_RECV, &recv));
	printf("known: %llx %llx, size %llx\n", (unsigned long long)((__u64 *)recv.items)[2], (unsigned long long)((__u64 *)recv.items)[3],
	       (unsigned long long)recv.command.size);
	((__u64 *)recv.items)[0] = 1000;
	tell("an item that is too long", ioctl(peer.fd, KDBUS_CMD_RECV, &recv));
	recv.command.size = sizeof(recv.command);
	recv.command.flags = KDBUS_RECV_DROP | KDBUS_RECV_USE_PRIORITY;
	tell("contradiction", ioctl(peer.fd, KDBUS_CMD_RECV, &recv));
	tell("no command", ioctl(peer.fd, KDBUS_CMD_RECV, NULL));
	tell("a pipe", ioctl(pipe[0], KDBUS_CMD_RECV, &recv));
	tell("a device", ioctl(null, KDBUS_CMD_SEND, &send));
	tell("a file", ioctl(file, KDBUS_CMD_RECV, &recv));
	tell("a place", ioctl(tree, KDBUS_CMD_RECV, &recv));
	tell("nothing", ioctl(-1, KDBUS_CMD_RECV, &recv));
	tell("another command", ioctl(peer.fd, _IO(KDBUS_IOCTL_MAGIC, 0xff)));
	tell("bytes in a pipe", ioctl(pipe[0], FIONREAD, &null));
}

/* Whoever answered RECV in the kernel's place is gone, and from then on it is no system call at all. */
static void wait_for_end_of_answers(void)
{
	puts("ready");
	fflush(stdout);
	for (int ms = 0; ms < PATIENCE_MS && ioctl(-1, KDBUS_CMD_RECV, NULL) < 0 && errno == EBADF; ms++)
		usleep(1000);
	tell("alone", -1);
}

int main(int argc, char **argv)
{
	const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{ "recv", test_recv }, { "reply", test_reply }, { "request", test_request }, { "limit", test_limit },
		{ "restart", test_restart }, { "restart-threads", test_restart_threads }, { "interrupt", test_interrupt },
		{ "stop", test_stop }, { "kill", test_kill }, { "cancel", test_cancel }, { "crowd", test_crowd }, { "errors", test_errors },
	};

	if (argc == 3 && strcmp(argv[2], "executed") == 0) {
		test_executed(atoi(argv[1]));
		return 0;
	}
	if (argc == 3 && strcmp(argv[2], "alone") == 0) {
		wait_for_end_of_answers();
		return 0;
	}
	for (size_t i = 0; argc == 3 && i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (strcmp(tests[i].name, argv[2]) == 0) {
			make_bus(argv[1]);
			tests[i].run();
			return 0;
		}
	}
	if (argc == 3 && strcmp(argv[2], "exec") == 0) {
		make_bus(argv[1]);
		test_exec(argv[0]);
	}
	fprintf(stderr, "usage: carry DOMAIN TEST\n");
	return 2;
}
