/* SPDX-License-Identifier: MIT
 *
 * controller SOCKET: runs dbus-broker without systemd.
 *
 * dbus-broker knows neither where to listen nor whom to let in; it is told by the process that starts it, over a socket on which that speaks D-Bus.
 * This one tells it one listener and a policy that allows everything, prints the pid of the broker, and stays: the broker lives no longer.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "dbus.h"
#include "harness.h"

#define RULES "a(btssssuutt)"
#define BATCH "bta(btbs)" RULES RULES
#define POLICY "(a(u(" BATCH "))a(buu(" BATCH "))a(ss)bs)"
#define EVERYBODY (~0U)

/* What is marshalled. Arrays begin with their size, which is known when they end. */
static unsigned char body[2048];
static size_t end;

static void align(size_t alignment)
{
	while (end % alignment)
		body[end++] = 0;
}

static void put_u32(uint32_t number)
{
	align(sizeof(number));
	memcpy(body + end, &number, sizeof(number));
	end += sizeof(number);
}

static void put_u64(uint64_t number)
{
	align(sizeof(number));
	memcpy(body + end, &number, sizeof(number));
	end += sizeof(number);
}

static void put_string(const char *text)
{
	put_u32(strlen(text));
	strcpy((char *)body + end, text);
	end += strlen(text) + 1;
}

/* All our arrays are of structs, which are aligned to 8; the padding before the first does not count. Returns where the size stands. */
static size_t begin_array(void)
{
	size_t place;

	put_u32(0);
	place = end - sizeof(uint32_t);
	align(8);
	return place;
}

static void end_array(size_t place)
{
	const uint32_t size = end - ((place + sizeof(size) + 7) & ~(size_t)7);

	memcpy(body + place, &size, sizeof(size));
}

/* One rule that lets any message pass: verdict, priority, four names, type, broadcast, and how many descriptors. */
static void put_rules(void)
{
	const size_t array = begin_array();

	put_u32(1);
	put_u64(1);
	for (int name = 0; name < 4; name++)
		put_string("");
	put_u32(0);
	put_u32(0);
	put_u64(0);
	put_u64(UINT64_MAX);
	end_array(array);
}

/* Everybody may connect, own every name, send and receive everything. */
static void put_policy(void)
{
	size_t users, names;

	align(8);
	users = begin_array();
	put_u32(EVERYBODY);
	align(8);
	put_u32(1);
	put_u64(1);
	names = begin_array();
	put_u32(1);
	put_u64(1);
	put_u32(1);
	put_string("");
	end_array(names);
	put_rules();
	align(8);
	put_rules();
	end_array(users);
	end_array(begin_array());
	end_array(begin_array());
	put_u32(0);
	put_string("session");
}

static void put_body(void)
{
	put_string("/org/bus1/DBus/Listener/0");
	put_u32(0);
	body[end++] = strlen(POLICY);
	strcpy((char *)body + end, POLICY);
	end += strlen(POLICY) + 1;
	put_policy();
}

/* The listener travels with the message. */
static void send_listener(int fd, int listener, const unsigned char *header, size_t header_size)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct iovec parts[2] = { { .iov_base = (void *)header, .iov_len = header_size }, { .iov_base = body, .iov_len = end } };
	const struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2, .msg_control = &control, .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.header), &listener, sizeof(listener));
	if (sendmsg(fd, &message, MSG_NOSIGNAL) != (ssize_t)(header_size + end))
		die("sendmsg to dbus-broker", errno);
}

static void add_listener(struct dbus *broker, int listener)
{
	unsigned char header[DBUS_MOST_HEADER];
	struct dbus_message reply;
	size_t size;

	put_body();
	size = dbus_marshal(header, &(struct dbus_header){
		.type = DBUS_CALL,
		.serial = ++broker->serial,
		.body_size = end,
		.fds = 1,
		.path = "/org/bus1/DBus/Broker",
		.interface = "org.bus1.DBus.Broker",
		.member = "AddListener",
		.signature = "ohv",
	});
	send_listener(broker->fd, listener, header, size);
	dbus_await(broker, broker->serial, &reply);
}

static int listen_on(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		die("the path of the socket is too long", 0);
	strcpy(address.sun_path, path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, SOMAXCONN) < 0)
		die(path, errno);
	return fd;
}

/* The limits are those of a system that never says no: what is measured is not to stop at them. */
static void become_broker(void *controlled)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", *(int *)controlled);
	execlp("dbus-broker", "dbus-broker", "--controller", number, "--machine-id", "00000000000000000000000000000001", "--max-bytes", "8000000000",
	       "--max-fds", "1000000", "--max-matches", "10000000", "--max-objects", "10000000", NULL);
	die("dbus-broker", errno);
}

int main(int argc, char **argv)
{
	struct dbus broker = { 0 };
	struct dbus_message said;
	int ends[2], listener;
	pid_t process;

	if (argc != 2) {
		fprintf(stderr, "usage: controller SOCKET\n");
		return 2;
	}
	listener = listen_on(argv[1]);
	/* The broker wants its end not to block, and to survive exec; ours closes there. */
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 || fcntl(ends[0], F_SETFD, FD_CLOEXEC) < 0 || fcntl(ends[1], F_SETFL, O_NONBLOCK) < 0)
		die("socketpair", errno);
	process = spawn(become_broker, &ends[1]);
	close(ends[1]);
	broker.fd = ends[0];
	dbus_authenticate(&broker, "NEGOTIATE_UNIX_FD\r\n", NULL, 0);
	add_listener(&broker, listener);
	printf("%d\n", process);
	fflush(stdout);
	for (;;)
		dbus_receive(&broker, &said);
}
