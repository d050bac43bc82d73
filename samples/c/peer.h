/* SPDX-License-Identifier: MIT
 *
 * What the verbs of peer have in common. Each verb is in a file peer-*.c and known to peer.c by its struct verb.
 */
#ifndef PEER_H
#define PEER_H

#include <getopt.h>
#include "connection.h"
#include "errors.h"
#include "frame.h"
#include "print.h"

struct verb {
	const char *name;
	const char *arguments;			/* behind the name, in the usage line */
	const char *help;			/* lines */
	const struct option *options;		/* ends with OPTIONS_END */
	int (*run)(const struct verb *verb, const char *file, int argc, char **argv);	/* returns the exit code */
};

extern const struct verb peer_list, peer_info, peer_own, peer_send, peer_call, peer_signal, peer_listen, peer_watch, peer_monitor,
	peer_activate, peer_hold, peer_endpoint;

#define OPTIONS_END { "help", no_argument, NULL, 'h' }, { 0 }
extern const struct option no_options[];

/* The next option, or -1. Does not return after --help or a wrong option. */
int next_option(const struct verb *verb, int argc, char **argv);

/* Says how the verb is used, and ends the program, unless so many arguments are left; `most` < 0: any number. */
void expect_arguments(const struct verb *verb, int argc, int least, int most);

/* Reads a number that is an argument of the verb; does not return if it is none. */
unsigned long long read_number(const struct verb *verb, const char *text);

/* A descriptor that becomes readable when SIGINT, SIGTERM or SIGHUP asks to end. They have no other effect. */
extern int ends;

/* Waits for such a signal. Returns the exit code. */
int wait_for_end(void);

/* Gives each message to `take` until that returns true or a signal asks to end. Frees the messages. Returns the exit code. */
typedef int take_function(struct connection *connection, const struct kdbus_msg *message, void *context);
int receive_until_end(struct connection *connection, take_function *take, void *context);

/* Opens an ordinary connection. Says so if that fails. Returns 0 or an exit code. */
int connect_to(struct connection *connection, const char *endpoint, const char *description);

/* Asks for the notifications or signals that the item describes. Says so if that fails. Returns 0 or an exit code. */
int add_match(struct connection *connection, __u64 item_type, const void *payload, size_t size);

#endif
