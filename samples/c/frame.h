/* SPDX-License-Identifier: MIT
 *
 * A frame: a structure of the interface that begins with its size and goes on with items. Every command is one, and every message.
 *
 *	struct frame frame;
 *
 *	frame_begin(&frame, sizeof(frame.command));
 *	frame_add(&frame, KDBUS_ITEM_NAME, "org.example.Clock", sizeof("org.example.Clock"));
 *	result = frame_issue(&frame, fd, KDBUS_CMD_NAME_ACQUIRE);
 *
 * Results are 0 or a negative errno.
 */
#ifndef FRAME_H
#define FRAME_H

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <kdbus.h>
#include <kdbus-limits.h>

#define ALIGN8(n) (((n) + 7) & ~(__u64)7)
#define ITEM_HEADER offsetof(struct kdbus_item, data)

struct frame {
	union {
		__u64 size;			/* the first member of all of them; more than there is room for: too much was added */
		struct kdbus_cmd command;
		struct kdbus_cmd_hello hello;
		struct kdbus_cmd_info info;
		struct kdbus_cmd_match match;
		struct kdbus_cmd_send send;
		struct kdbus_cmd_recv recv;
		struct kdbus_cmd_fds_installed fds_installed;
		struct kdbus_msg message;
		unsigned char bytes[KDBUS_CMD_MAX_SIZE];
	};
};

/* Begins with the fixed part, all zeros but for its size. */
static inline void frame_begin(struct frame *frame, size_t fixed)
{
	memset(frame, 0, fixed);
	frame->size = fixed;
}

/* Adds an item behind what is there. The size of an item does not count the padding behind it, the size of a frame does. */
static inline void frame_add(struct frame *frame, __u64 type, const void *payload, size_t size)
{
	struct kdbus_item *item = (struct kdbus_item *)(frame->bytes + frame->size);

	if (frame->size + ALIGN8(ITEM_HEADER + size) > sizeof(frame->bytes)) {
		frame->size = sizeof(frame->bytes) + 1;
		return;
	}
	memset(item, 0, ALIGN8(ITEM_HEADER + size));
	item->size = ITEM_HEADER + size;
	item->type = type;
	memcpy(item->data, payload, size);
	frame->size += ALIGN8(item->size);
}

/* Adds an item that is a text; the NUL belongs to it. */
static inline void frame_add_text(struct frame *frame, __u64 type, const char *text)
{
	frame_add(frame, type, text, strlen(text) + 1);
}

static inline int issue(int fd, unsigned long number, void *command)
{
	return ioctl(fd, number, command) < 0 ? -errno : 0;
}

static inline int frame_issue(struct frame *frame, int fd, unsigned long number)
{
	return frame->size > sizeof(frame->bytes) ? -EMSGSIZE : issue(fd, number, frame);
}

/* Walks the items of what the bus gave us: a message, an info, a record of a list. The bus writes no items that are broken. */
#define for_each_item(item, structure)							\
	for (const struct kdbus_item *item = (structure)->items;			\
	     (const char *)item < (const char *)(structure) + (structure)->size;	\
	     item = (const struct kdbus_item *)((const char *)item + ALIGN8(item->size)))

#endif
