/* SPDX-License-Identifier: MIT
 *
 * Messages as lines of text.
 */
#ifndef PRINT_H
#define PRINT_H

#include <kdbus.h>

#define TEXT_MAX 4096			/* bytes of the texts we read; a longer one is told to be too long */

/* Prints a text in quotes. What a stranger sent could otherwise be orders to the terminal, so only plain characters pass. */
void print_text(const char *text);

/* Prints the payload of a message in quotes. */
void print_payload(const struct kdbus_msg *message);

/* Prints what each descriptor leads to that came with a message. Lines. */
void print_descriptors(const struct kdbus_msg *message);

/* What the bus itself tells in a message of its own: who came, who went, who has which name. A line. */
void print_notification(const struct kdbus_msg *message);

/* "activator", "policy holder", "monitor" or "ordinary", by the flags of HELLO. */
const char *kind_of_connection(__u64 hello_flags);

#endif
