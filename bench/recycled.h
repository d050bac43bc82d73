/* SPDX-License-Identifier: MIT
 *
 * A large payload that nobody copies: a memfd that its sender makes and seals once and sends again and again. The receiver knows it again by
 * device and inode, keeps the mapping of the first time, and only has to close the descriptor that came.
 */
#ifndef RECYCLED_H
#define RECYCLED_H

#include <stddef.h>
#include <kdbus.h>

/* A sealed memfd with a payload of this size. */
int recycled_make(size_t size);

/* Takes the one descriptor that came on a socket: its number, -1 if none did. */
int recycled_collect(int socket);

/* The bytes of it. Closes the descriptor. */
const unsigned char *recycled_open(int fd, size_t size);

#endif
