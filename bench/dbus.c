/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "dbus.h"
#include "harness.h"

/* Codes of header fields, of the specification. */
enum { PATH = 1, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE, UNIX_FDS };

enum { FIXED = 16, FIRST_ROOM = 128 << 10 };

#define BROKER "org.freedesktop.DBus"
#define BROKER_PATH "/org/freedesktop/DBus"

static size_t padded(size_t size, size_t alignment)
{
	return (size + alignment - 1) & ~(alignment - 1);
}

static uint32_t number_at(const unsigned char *bytes)
{
	uint32_t number;

	memcpy(&number, bytes, sizeof(number));
	return number;
}

static size_t begin_field(unsigned char *bytes, size_t at, unsigned char code, char type)
{
	const size_t start = padded(at, 8);
	const unsigned char head[] = { code, 1, (unsigned char)type, 0 };

	memset(bytes + at, 0, start - at);
	memcpy(bytes + start, head, sizeof(head));
	return start + sizeof(head);
}

static size_t put_text(unsigned char *bytes, size_t at, unsigned char code, char type, const char *text)
{
	const uint32_t length = text ? strlen(text) : 0;

	if (!text)
		return at;
	at = begin_field(bytes, at, code, type);
	if (type == 'g') {
		bytes[at++] = length;
	} else {
		memcpy(bytes + at, &length, sizeof(length));
		at += sizeof(length);
	}
	memcpy(bytes + at, text, length + 1);
	return at + length + 1;
}

static size_t put_number(unsigned char *bytes, size_t at, unsigned char code, uint32_t number)
{
	if (!number)
		return at;
	at = begin_field(bytes, at, code, 'u');
	memcpy(bytes + at, &number, sizeof(number));
	return at + sizeof(number);
}

size_t dbus_marshal(unsigned char *bytes, const struct dbus_header *header)
{
	const unsigned char start[] = { 'l', header->type, header->flags, 1 };
	size_t end = FIXED;
	uint32_t fields;

	memcpy(bytes, start, sizeof(start));
	memcpy(bytes + 4, &header->body_size, sizeof(header->body_size));
	dbus_set_serial(bytes, header->serial);
	end = put_text(bytes, end, PATH, 'o', header->path);
	end = put_text(bytes, end, INTERFACE, 's', header->interface);
	end = put_text(bytes, end, MEMBER, 's', header->member);
	end = put_number(bytes, end, REPLY_SERIAL, header->reply_serial);
	end = put_text(bytes, end, DESTINATION, 's', header->destination);
	end = put_text(bytes, end, SIGNATURE, 'g', header->signature);
	end = put_number(bytes, end, UNIX_FDS, header->fds);
	fields = end - FIXED;
	memcpy(bytes + 12, &fields, sizeof(fields));
	memset(bytes + end, 0, padded(end, 8) - end);
	return padded(end, 8);
}

void dbus_set_serial(unsigned char *header, uint32_t serial)
{
	memcpy(header + 8, &serial, sizeof(serial));
}

int dbus_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		die("the path of a socket is too long", 0);
	strcpy(address.sun_path, path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die(path, errno);
	return fd;
}

void dbus_send(struct dbus *dbus, const void *header, size_t header_size, const void *body, size_t body_size)
{
	struct iovec parts[2] = {
		{ .iov_base = (void *)header, .iov_len = header_size },
		{ .iov_base = (void *)body, .iov_len = body_size },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = body_size ? 2 : 1 };

	while (message.msg_iovlen) {
		ssize_t sent = sendmsg(dbus->fd, &message, MSG_NOSIGNAL);

		if (sent < 0)
			die("sendmsg", errno);
		while (message.msg_iovlen && (size_t)sent >= message.msg_iov->iov_len) {
			sent -= message.msg_iov->iov_len;
			message.msg_iov++;
			message.msg_iovlen--;
		}
		if (message.msg_iovlen) {
			message.msg_iov->iov_base = (char *)message.msg_iov->iov_base + sent;
			message.msg_iov->iov_len -= sent;
		}
	}
}

/* Bytes of the message that begins at start; 0 if not even that is known yet. */
static size_t size_of_next(const struct dbus *dbus)
{
	const unsigned char *head = dbus->bytes + dbus->start;

	if (dbus->end - dbus->start < FIXED)
		return 0;
	return padded(FIXED + number_at(head + 12), 8) + number_at(head + 4);
}

void dbus_fill(struct dbus *dbus)
{
	const size_t wanted = size_of_next(dbus) > FIRST_ROOM ? size_of_next(dbus) : FIRST_ROOM;
	ssize_t got;

	if (dbus->start && dbus->room - dbus->start < wanted) {
		memmove(dbus->bytes, dbus->bytes + dbus->start, dbus->end - dbus->start);
		dbus->end -= dbus->start;
		dbus->start = 0;
	}
	if (dbus->room < wanted) {
		dbus->room = wanted;
		dbus->bytes = realloc(dbus->bytes, dbus->room);
		if (!dbus->bytes)
			die("no memory for a message", ENOMEM);
	}
	got = recv(dbus->fd, dbus->bytes + dbus->end, dbus->room - dbus->end, 0);
	if (got <= 0)
		die("recv from the broker", got ? errno : ECONNRESET);
	dbus->end += got;
}

static void parse(const unsigned char *bytes, struct dbus_message *message)
{
	const size_t end = FIXED + number_at(bytes + 12);
	size_t at = FIXED;

	*message = (struct dbus_message){
		.type = bytes[1],
		.serial = number_at(bytes + 8),
		.body = bytes + padded(end, 8),
		.body_size = number_at(bytes + 4),
	};
	while (at < end) {
		const unsigned char code = bytes[at];
		const char type = bytes[at + 2];

		at += 4;
		if (type == 'g') {
			at += bytes[at] + 2;
		} else if (type == 'u') {
			if (code == REPLY_SERIAL)
				message->reply_serial = number_at(bytes + at);
			at += sizeof(uint32_t);
		} else {
			if (code == SENDER)
				message->sender = (const char *)bytes + at + 4;
			at += sizeof(uint32_t) + number_at(bytes + at) + 1;
		}
		at = padded(at, 8);
	}
}

int dbus_take(struct dbus *dbus, struct dbus_message *message)
{
	const size_t size = size_of_next(dbus);

	if (!size || dbus->end - dbus->start < size)
		return 0;
	parse(dbus->bytes + dbus->start, message);
	dbus->start += size;
	if (dbus->start == dbus->end)
		dbus->start = dbus->end = 0;
	return 1;
}

void dbus_receive(struct dbus *dbus, struct dbus_message *message)
{
	while (!dbus_take(dbus, message))
		dbus_fill(dbus);
}

void dbus_await(struct dbus *dbus, uint32_t serial, struct dbus_message *reply)
{
	do {
		dbus_receive(dbus, reply);
	} while (reply->reply_serial != serial);
	if (reply->type != DBUS_RETURN)
		die(reply->body_size > 4 ? (const char *)reply->body + 4 : "the broker said no", 0);
}

void dbus_authenticate(struct dbus *dbus, const char *wishes, const void *hello, size_t size)
{
	char said[DBUS_MOST_HEADER + 128], user[16], *end = said + 1;
	unsigned char *line;

	said[0] = 0;
	end += sprintf(end, "AUTH EXTERNAL ");
	snprintf(user, sizeof(user), "%u", geteuid());
	for (const char *digit = user; *digit; digit++)
		end += sprintf(end, "%02x", *digit);
	end += sprintf(end, "\r\n%sBEGIN\r\n", wishes);
	memcpy(end, hello, size);
	dbus_send(dbus, said, end + size - said, NULL, 0);

	/* One line of answer to AUTH, and one to each wish. */
	for (int lines = *wishes ? 2 : 1; lines; lines--) {
		while (!dbus->bytes || !(line = memmem(dbus->bytes + dbus->start, dbus->end - dbus->start, "\r\n", 2)))
			dbus_fill(dbus);
		if (memcmp(dbus->bytes + dbus->start, "OK", 2) && memcmp(dbus->bytes + dbus->start, "AGREE", 5))
			die("the broker does not let us in", 0);
		dbus->start = line + 2 - dbus->bytes;
	}
	if (dbus->start == dbus->end)
		dbus->start = dbus->end = 0;
}

static size_t to_broker(unsigned char *bytes, struct dbus *dbus, const char *member, const char *signature, size_t body_size)
{
	return dbus_marshal(bytes, &(struct dbus_header){
		.type = DBUS_CALL,
		.serial = ++dbus->serial,
		.body_size = body_size,
		.destination = BROKER,
		.path = BROKER_PATH,
		.interface = BROKER,
		.member = member,
		.signature = signature,
	});
}

void dbus_open(struct dbus *dbus, const char *path)
{
	unsigned char hello[DBUS_MOST_HEADER];
	struct dbus_message reply;
	size_t size;

	*dbus = (struct dbus){ .fd = dbus_connect(path) };
	size = to_broker(hello, dbus, "Hello", NULL, 0);
	dbus_authenticate(dbus, "", hello, size);
	dbus_await(dbus, dbus->serial, &reply);
	snprintf(dbus->name, sizeof(dbus->name), "%s", (const char *)reply.body + sizeof(uint32_t));
}

void dbus_ask(struct dbus *dbus, const char *member, const char *argument, int with_flags)
{
	unsigned char header[DBUS_MOST_HEADER], body[DBUS_MOST_HEADER] = { 0 };
	const uint32_t length = argument ? strlen(argument) : 0;
	struct dbus_message reply;
	size_t size = 0;

	if (argument) {
		memcpy(body, &length, sizeof(length));
		memcpy(body + sizeof(length), argument, length);
		size = sizeof(length) + length + 1;
		if (with_flags)
			size = padded(size, 4) + sizeof(uint32_t);
	}
	dbus_send(dbus, header, to_broker(header, dbus, member, !argument ? NULL : with_flags ? "su" : "s", size), body, size);
	dbus_await(dbus, dbus->serial, &reply);
}
