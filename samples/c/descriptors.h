/* SPDX-License-Identifier: MIT
 *
 * The way descriptors come to a program: a socket pair of its own. What the bus is told about one end with a command comes out of the
 * other when the command has returned. Results are 0 or a negative errno.
 */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

#include <kdbus.h>

struct frame;

struct descriptors {
	int ours, theirs;	/* the ends of the pair; -1 if descriptors are not to come */
};

int descriptors_open(struct descriptors *way);
void descriptors_close(struct descriptors *way);

/* Adds to a RECV or to a synchronous SEND where its descriptors are to come. */
void descriptors_ask(const struct descriptors *way, struct frame *command);

/* The command has returned with this message: takes what has come, and tells the bus the numbers, which then stand in the message. */
int descriptors_take(const struct descriptors *way, int fd, __u64 offset);

/* Closes the descriptors that came with a message: they are ours, whether or not we asked for them. */
void descriptors_drop(const struct kdbus_msg *message);

#endif
