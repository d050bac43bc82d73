/* SPDX-License-Identifier: MIT
 *
 * The ways to ask a question and get an answer of the same size, all between processes, each with a service of its own kind.
 */
#ifndef WAYS_H
#define WAYS_H

#include "harness.h"

enum { EXCHANGE, CLASSIC, SYNC, UNIX, RELAY, BY_DBUS_DAEMON, BY_DBUS_BROKER, WAYS };

enum { LARGEST_CALL = 8 << 20 };

struct way {
	const char *name;
	void (*call)(size_t size);
	struct crew crew;		/* nobody: this way is not here */
};

extern struct way ways[WAYS];

/* Starts the services of those ways (bits) whose broker is a party, and connects a client to each. */
void ways_start(unsigned which);

/* A way is there if its broker runs and speaks it. */
int way_is_here(int way);

/* Calls one after the other, some first that do not count. A burst has fewer calls if they are large. */
void way_burst(int way, struct samples *samples, size_t size);

#endif
