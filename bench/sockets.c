/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "harness.h"
#include "sockets.h"

struct end {
	int fd;
	size_t largest;
};

struct relay_ends {
	int client, server;
};

static void write_all(int fd, const unsigned char *bytes, size_t size)
{
	while (size) {
		const ssize_t written = write(fd, bytes, size);

		if (written < 0)
			die("write to a socket", errno);
		bytes += written;
		size -= written;
	}
}

/* A payload begins with its size; it arrives in as many pieces as the kernel likes. */
static size_t read_payload(int fd, unsigned char *bytes, size_t largest)
{
	uint64_t size = sizeof(size);

	for (size_t have = 0; have < size;) {
		const ssize_t got = read(fd, bytes + have, largest - have);

		if (got <= 0)
			die("read from a socket", got ? errno : 0);
		have += got;
		if (have >= sizeof(size))
			memcpy(&size, bytes, sizeof(size));
		if (size > largest)
			die("a payload arrived with the wrong size", 0);
	}
	if (size > 8 && bytes[size - 1] != 'x')
		die("the wrong payload arrived", 0);
	look_at(bytes, size);
	return size;
}

static unsigned char *payload_of(size_t largest)
{
	unsigned char *payload = malloc(largest);

	if (!payload)
		die("no memory for a payload", ENOMEM);
	memset(payload, 'x', largest);
	return payload;
}

static void serve(void *argument)
{
	const struct end *end = argument;
	unsigned char *payload = payload_of(end->largest);

	for (;;)
		write_all(end->fd, payload, read_payload(end->fd, payload, end->largest));
}

static void pass_on(void *argument)
{
	enum { CHUNK = 1 << 20 };
	const struct relay_ends *ends = argument;
	unsigned char *bytes = payload_of(CHUNK);
	struct pollfd readable[2] = { { .fd = ends->client, .events = POLLIN }, { .fd = ends->server, .events = POLLIN } };

	for (;;) {
		if (poll(readable, 2, -1) < 0)
			die("poll", errno);
		for (int i = 0; i < 2; i++) {
			ssize_t got;

			if (!readable[i].revents)
				continue;
			got = read(readable[i].fd, bytes, CHUNK);
			if (got <= 0)
				die("read from a socket", got ? errno : 0);
			write_all(readable[1 - i].fd, bytes, got);
		}
	}
}

static void pair(int ends[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		die("socketpair", errno);
}

void stream_open(struct stream *stream, size_t largest, int with_relay)
{
	int client[2], server[2];
	struct end end = { .largest = largest };

	*stream = (struct stream){ .largest = largest, .payload = payload_of(largest) };
	pair(client);
	stream->fd = client[0];
	end.fd = client[1];
	if (with_relay) {
		pair(server);
		end.fd = server[1];
		stream->relay = spawn(pass_on, &(struct relay_ends){ .client = client[1], .server = server[0] });
	}
	stream->server = spawn(serve, &end);

	/* Each end is open in one process only, so that the end of one is seen by the next. */
	close(client[1]);
	if (with_relay) {
		close(server[0]);
		close(server[1]);
	}
}

void stream_call(struct stream *stream, size_t size)
{
	memcpy(stream->payload, &(uint64_t){ size }, sizeof(uint64_t));
	write_all(stream->fd, stream->payload, size);
	if (read_payload(stream->fd, stream->payload, stream->largest) != size)
		die("the wrong answer arrived", 0);
}
