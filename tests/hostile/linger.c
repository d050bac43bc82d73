/* SPDX-License-Identifier: MIT
 *
 * linger ENDPOINT: sends itself TCP sockets that linger for half a minute when they are closed, with data that nobody reads, and drops the
 * messages. Writes how many milliseconds the slowest of these commands took.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "connection.h"
#include "frame.h"

enum { SOCKETS = 12, SECONDS = 30 };

static void must(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "linger: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A socket with more in it than its peer has room for. */
static int make_socket(int *peer)
{
	const struct linger linger = { .l_onoff = 1, .l_linger = SECONDS };
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = socket(AF_INET, SOCK_STREAM, 0);
	static char data[65536];

	must(bind(listener, (struct sockaddr *)&address, length) == 0 && listen(listener, 1) == 0, "listen");
	must(getsockname(listener, (struct sockaddr *)&address, &length) == 0, "getsockname");
	must(connect(one, (struct sockaddr *)&address, length) == 0, "connect");
	*peer = accept(listener, NULL, NULL);
	must(*peer >= 0, "accept");
	close(listener);
	while (send(one, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	must(setsockopt(one, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0, "SO_LINGER");
	return one;
}

int main(int argc, char **argv)
{
	struct connection connection;
	long slowest = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: linger ENDPOINT\n");
		return 2;
	}
	errno = -connection_open(&connection, argv[1], NULL);
	must(errno == 0, "HELLO");
	for (int i = 0; i < SOCKETS; i++) {
		struct kdbus_cmd_recv drop = { .size = sizeof(drop), .flags = KDBUS_RECV_DROP };
		struct frame message;
		int peer, lingering = make_socket(&peer);
		long begin = now();

		connection_prepare_message(&message, connection.id);
		frame_add(&message, KDBUS_ITEM_FDS, &lingering, sizeof(lingering));
		errno = -connection_transmit(&connection, &message, "", NULL);
		must(errno == 0, "SEND");
		close(lingering);
		errno = -issue(connection.fd, KDBUS_CMD_RECV, &drop);
		must(errno == 0, "DROP");
		if (now() - begin > slowest)
			slowest = now() - begin;
	}
	printf("%ld\n", slowest);
	return 0;
}
