/* SPDX-License-Identifier: MIT
 *
 * Metadata: what the bus tells about who sent a message, who has a connection, who made the bus.
 */
#ifndef METADATA_H
#define METADATA_H

#include <stddef.h>
#include <kdbus.h>

/* All kinds there are, the extensions too, which _KDBUS_ATTACH_ANY does not mean. */
#define ALL_KINDS (_KDBUS_ATTACH_ALL | KDBUS_ATTACH_PIDFS_ID | KDBUS_ATTACH_START_TIME)

/* The flag of a kind by its name, such as "creds". Says which there are, and ends the program, if it is none. */
__u64 read_kind(const char *name, size_t length);

/* Prints an item as a line, indented, if it is metadata. */
void print_metadata(const struct kdbus_item *item);

#endif
