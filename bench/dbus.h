/* SPDX-License-Identifier: MIT
 *
 * D-Bus as the fastest client would speak it: messages marshalled by hand, one write for each or for many, and reads of whatever is there. So
 * what is measured is the broker, and not a library. Anything unexpected ends the program.
 */
#ifndef DBUS_H
#define DBUS_H

#include <stddef.h>
#include <stdint.h>

struct dbus {
	int fd;
	uint32_t serial;
	char name[32];			/* the unique name that Hello told */
	unsigned char *bytes;		/* what has been read and not been taken: from start to end */
	size_t room, start, end;
};

enum dbus_type { DBUS_CALL = 1, DBUS_RETURN, DBUS_ERROR, DBUS_SIGNAL };
enum dbus_flags { DBUS_NO_REPLY = 1 };

/* A header to be marshalled; fields that are 0 are left out. */
struct dbus_header {
	unsigned char type, flags;
	uint32_t serial, reply_serial, body_size, fds;
	const char *destination, *path, *interface, *member, *signature;
};

/* A message that was received. Valid until the next one is. */
struct dbus_message {
	unsigned char type;
	uint32_t serial, reply_serial;
	const char *sender;
	const unsigned char *body;
	size_t body_size;
};

enum { DBUS_MOST_HEADER = 1024 };

/* Writes a header into DBUS_MOST_HEADER bytes; the body comes right behind. Returns its size. */
size_t dbus_marshal(unsigned char *bytes, const struct dbus_header *header);
void dbus_set_serial(unsigned char *header, uint32_t serial);

/* A socket to a server of D-Bus on which nothing has been said yet. */
int dbus_connect(const char *path);

/* Connects, authenticates and says Hello. */
void dbus_open(struct dbus *dbus, const char *path);

/* Authenticates on a socket that is connected already. hello: what is written with it, so that it needs no turn of its own. */
void dbus_authenticate(struct dbus *dbus, const char *wishes, const void *hello, size_t size);

/* One write of a header and a body. */
void dbus_send(struct dbus *dbus, const void *header, size_t header_size, const void *body, size_t body_size);

/* Waits for the next message. */
void dbus_receive(struct dbus *dbus, struct dbus_message *message);

/* The same in two steps, for who waits himself: one read; and the next message of what was read, 0 if there is none. */
void dbus_fill(struct dbus *dbus);
int dbus_take(struct dbus *dbus, struct dbus_message *message);

/* Waits for the reply to what was sent with this serial. */
void dbus_await(struct dbus *dbus, uint32_t serial, struct dbus_message *reply);

/* Calls a method of the broker with a string, or none, as argument; with_flags: and 0 as another. */
void dbus_ask(struct dbus *dbus, const char *member, const char *argument, int with_flags);

#endif
