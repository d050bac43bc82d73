/* SPDX-License-Identifier: MIT
 *
 * Who is measured. Each program is told on its command line, one argument for each broker that runs: KIND:PID:PATH, where the path is that
 * of an endpoint or a socket, and KIND is kdbusfs, second-bus (of the same daemon), dbus-daemon or dbus-broker.
 */
#ifndef PARTIES_H
#define PARTIES_H

#include <sys/types.h>

enum kind { KDBUSFS, SECOND_BUS, DBUS_DAEMON, DBUS_BROKER, KINDS };

struct party {
	const char *name, *path;	/* path NULL: it is not here */
	pid_t process;
};

extern struct party parties[KINDS];

/* Options -r ROUNDS and the parties; prints the usage and ends the program if they are not right. */
int parties_read(int argc, char **argv);

#endif
