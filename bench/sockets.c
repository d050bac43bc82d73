/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "harness.h"
#include "sockets.h"

struct end {
	int fd;
	size_t largest;
	void (*serve)(int fd, size_t largest);
};

struct relay_ends {
	int client, server;
};

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
	payload_check(bytes, size);
	return size;
}

void stream_echo(int fd, size_t largest)
{
	unsigned char *payload = payload_make(largest);

	for (;;)
		write_all(fd, payload, read_payload(fd, payload, largest));
}

static void serve(void *argument)
{
	const struct end *end = argument;

	end->serve(end->fd, end->largest);
}

static void pass_on(void *argument)
{
	enum { CHUNK = 1 << 20 };
	const struct relay_ends *ends = argument;
	unsigned char *bytes = payload_make(CHUNK);
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

void stream_open(struct stream *stream, size_t largest, int with_relay, void (*serve_end)(int fd, size_t largest))
{
	int client[2], server[2];
	struct end end = { .largest = largest, .serve = serve_end };

	*stream = (struct stream){ .largest = largest, .payload = payload_make(largest) };
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
	payload_set(stream->payload, size);
	write_all(stream->fd, stream->payload, size);
	if (read_payload(stream->fd, stream->payload, stream->largest) != size)
		die("the wrong answer arrived", 0);
}
