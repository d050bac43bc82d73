/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "dbus-peer.h"
#include "harness.h"

enum { ARRAY_SIZE = 4 };

void dbus_peer_open(struct dbus_peer *peer, const char *socket, size_t largest)
{
	dbus_open(&peer->dbus, socket);
	peer->body = payload_make(ARRAY_SIZE + largest);
}

/* Puts a payload into our body and tells what a header has to say of it. Returns where in the body it begins. */
static const unsigned char *put_body(struct dbus_peer *peer, struct dbus_header *header, size_t size)
{
	const uint32_t length = size;

	payload_set(peer->body + ARRAY_SIZE, size);
	if (size == SIZE_BYTES) {
		header->signature = "t";
		header->body_size = size;
		return peer->body + ARRAY_SIZE;
	}
	memcpy(peer->body, &length, sizeof(length));
	header->signature = "ay";
	header->body_size = ARRAY_SIZE + size;
	return peer->body;
}

static uint32_t send_payload(struct dbus_peer *peer, struct dbus_header header, size_t size)
{
	unsigned char bytes[DBUS_MOST_HEADER];
	const unsigned char *body = put_body(peer, &header, size);

	header.serial = ++peer->dbus.serial;
	dbus_send(&peer->dbus, bytes, dbus_marshal(bytes, &header), body, header.body_size);
	return header.serial;
}

size_t dbus_peer_put(struct dbus_peer *peer, unsigned char *bytes, struct dbus_header header, size_t size)
{
	const unsigned char *body = put_body(peer, &header, size);
	size_t end;

	header.serial = ++peer->dbus.serial;
	end = dbus_marshal(bytes, &header);
	memcpy(bytes + end, body, header.body_size);
	return end + header.body_size;
}

size_t dbus_peer_check(const struct dbus_message *message)
{
	uint32_t size;

	if (message->body_size == SIZE_BYTES) {
		payload_check(message->body, SIZE_BYTES);
		return SIZE_BYTES;
	}
	memcpy(&size, message->body, sizeof(size));
	if (message->body_size != ARRAY_SIZE + (size_t)size)
		die("a message arrived with the wrong size", 0);
	payload_check(message->body + ARRAY_SIZE, size);
	return size;
}

void dbus_peer_call(struct dbus_peer *peer, const char *to, size_t size)
{
	const struct dbus_header call = {
		.type = DBUS_CALL,
		.destination = to,
		.path = "/bench",
		.interface = "org.example.Bench",
		.member = "Echo",
	};
	struct dbus_message reply;

	dbus_await(&peer->dbus, send_payload(peer, call, size), &reply);
	if (dbus_peer_check(&reply) != size)
		die("the wrong answer arrived", 0);
}

void dbus_peer_serve(struct dbus_peer *peer)
{
	for (;;) {
		struct dbus_message call;
		struct dbus_header reply = { .type = DBUS_RETURN, .flags = DBUS_NO_REPLY };

		dbus_receive(&peer->dbus, &call);
		if (call.type != DBUS_CALL)
			continue;
		reply.destination = call.sender;
		reply.reply_serial = call.serial;
		send_payload(peer, reply, dbus_peer_check(&call));
	}
}
