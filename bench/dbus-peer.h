/* SPDX-License-Identifier: MIT
 *
 * A client and a service of D-Bus that do what those of peer.c and sockets.c do: echo a payload. Of 8 bytes it is a number (t), else
 * an array of bytes (ay).
 */
#ifndef DBUS_PEER_H
#define DBUS_PEER_H

#include "dbus.h"

struct dbus_peer {
	struct dbus dbus;
	unsigned char *body;		/* what we send: 4 bytes for the size of an array, and the payload */
};

void dbus_peer_open(struct dbus_peer *peer, const char *socket, size_t largest);

/* Writes a whole message with such a payload, for who sends many in one write. Returns its size. */
size_t dbus_peer_put(struct dbus_peer *peer, unsigned char *bytes, struct dbus_header header, size_t size);

void dbus_peer_call(struct dbus_peer *peer, const char *to, size_t size);
_Noreturn void dbus_peer_serve(struct dbus_peer *peer);

/* Looks at the payload of a message and returns its size. */
size_t dbus_peer_check(const struct dbus_message *message);

#endif
