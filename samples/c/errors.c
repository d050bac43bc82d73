/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <kdbus.h>
#include "errors.h"

#define ANY 0

/* The same error means something else from each command. docs/guide.md has them all; these are the ones a user of peer can get. */
static const struct {
	int number;
	unsigned long command;
	const char *todo;
} todos[] = {
	{ ENOENT, KDBUS_CMD_HELLO, "is the domain mounted, and has somebody made the bus? ls -l DOMAIN DOMAIN/BUS shows what is there" },
	{ EACCES, KDBUS_CMD_HELLO, "ls -l shows whom the file lets in; make-bus -w makes a bus for everybody" },
	{ ENOTTY, KDBUS_CMD_HELLO, "this is no file of a kdbus domain" },
	{ EBADFD, KDBUS_CMD_HELLO, "programs connect to an endpoint, a file in the directory of a bus" },
	{ EPERM, KDBUS_CMD_HELLO, "activators, policy holders and monitors are for the owner of the bus, on the endpoint `bus`" },
	{ EOPNOTSUPP, KDBUS_CMD_HELLO, "monitors connect to the endpoint `bus`" },
	{ EEXIST, KDBUS_CMD_HELLO, "another activator or policy holder stands for this name; it has to end first" },
	{ EINVAL, KDBUS_CMD_HELLO, "a name is words of letters, digits, _ and - with dots between; a policy holder's may end in .*" },
	{ EMFILE, KDBUS_CMD_HELLO, "end some of your connections, or mount the domain with a larger max-connections" },

	{ EEXIST, KDBUS_CMD_NAME_ACQUIRE, "somebody has it: wait with --queue; or --replace, if its owner has said --allow-replacement" },
	{ EPERM, KDBUS_CMD_NAME_ACQUIRE, "the policy of the bus, and of a custom endpoint, must let you: peer ENDPOINT hold --help" },
	{ EINVAL, KDBUS_CMD_NAME_ACQUIRE, "a name is words of letters, digits, _ and -, with dots between them: org.example.Clock" },

	{ ENXIO, KDBUS_CMD_SEND, "no such connection: peer ENDPOINT list shows who is there" },
	{ ESRCH, KDBUS_CMD_SEND, "nobody has this name: peer ENDPOINT list shows the names there are" },
	{ EADDRNOTAVAIL, KDBUS_CMD_SEND, "only an activator has this name, and --no-auto-start is not to start an owner" },
	{ EPERM, KDBUS_CMD_SEND, "the policy of the bus, and of a custom endpoint, must let you: peer ENDPOINT hold --help" },
	{ EINVAL, KDBUS_CMD_SEND, "the receiver is a connection id or a name like org.example.Clock" },
	{ ENOBUFS, KDBUS_CMD_SEND, "too much from you waits there unread; let the receiver read first" },
	{ EXFULL, KDBUS_CMD_SEND, "the receiver's pool is full; let it read and free first" },
	{ EMSGSIZE, KDBUS_CMD_SEND, "the text is too long for a message" },
	{ ETIMEDOUT, KDBUS_CMD_SEND, "no answer came in time; --timeout MS waits longer" },
	{ EPIPE, KDBUS_CMD_SEND, "the receiver has ended, or has thrown the request away" },

	{ EPERM, KDBUS_CMD_ENDPOINT_MAKE, "endpoints are made by the owner of the bus" },
	{ EEXIST, KDBUS_CMD_ENDPOINT_MAKE, "take another name, or end the process that holds this endpoint" },
	{ ENOENT, KDBUS_CMD_ENDPOINT_MAKE, "there is no such bus or file; ls -l DOMAIN shows the buses" },
	{ EACCES, KDBUS_CMD_ENDPOINT_MAKE, "ls -l shows whom the file lets in" },
	{ EBADFD, KDBUS_CMD_ENDPOINT_MAKE, "on `control` the name is BUS/NAME, on an endpoint only NAME" },
	{ EINVAL, KDBUS_CMD_ENDPOINT_MAKE, "a name is letters, digits and _, and - and . within" },
	{ EEXIST, KDBUS_CMD_ENDPOINT_UPDATE, "a name stands twice in the rules; the rules for one name belong side by side" },
	{ EINVAL, KDBUS_CMD_ENDPOINT_UPDATE, "a rule is NAME:WHO:LEVEL: org.example.Clock:world:talk" },

	{ ECONNRESET, ANY, "the bus or the endpoint has ended, and this connection with it" },
	{ ESHUTDOWN, ANY, "the bus has ended" },
	{ ENOTCONN, ANY, "the daemon that served this domain has ended" },
	{ ECONNABORTED, ANY, "the daemon that served this domain has ended" },
	{ EXFULL, ANY, "the own pool is full" },
};

#define NAME(number) { number, #number }

static const struct {
	int number;
	const char *name;
} names[] = {
	NAME(EACCES), NAME(EADDRINUSE), NAME(EADDRNOTAVAIL), NAME(EALREADY), NAME(EBADF), NAME(EBADFD), NAME(EBADMSG),
	NAME(EBADSLT), NAME(EBUSY), NAME(ECANCELED), NAME(ECOMM), NAME(ECONNABORTED), NAME(ECONNREFUSED), NAME(ECONNRESET),
	NAME(EDESTADDRREQ), NAME(EDOM), NAME(EEXIST), NAME(EFAULT), NAME(EINTR), NAME(EINVAL), NAME(EISDIR), NAME(EMFILE),
	NAME(EMLINK), NAME(EMSGSIZE), NAME(ENAMETOOLONG), NAME(ENOBUFS), NAME(ENOENT), NAME(ENOMEM), NAME(ENOTCONN),
	NAME(ENOTDIR), NAME(ENOTTY), NAME(ENOTUNIQ), NAME(ENXIO), NAME(EOPNOTSUPP), NAME(EPERM), NAME(EPIPE), NAME(EREMCHG),
	NAME(EREMOTEIO), NAME(ESHUTDOWN), NAME(ESRCH), NAME(ETIMEDOUT), NAME(EUSERS), NAME(EXFULL), NAME(E2BIG),
};

static const char *name_of(int number)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == number)
			return names[i].name;
	return "errno unknown here";
}

static const char *todo(int number, unsigned long command)
{
	for (size_t i = 0; i < sizeof(todos) / sizeof(todos[0]); i++)
		if (todos[i].number == number && (todos[i].command == command || todos[i].command == ANY))
			return todos[i].todo;
	return NULL;
}

int fail(int result, unsigned long command, const char *tried, ...)
{
	const char *what_to_do = todo(-result, command);
	va_list arguments;

	fprintf(stderr, "peer: cannot ");
	va_start(arguments, tried);
	vfprintf(stderr, tried, arguments);
	va_end(arguments);
	fprintf(stderr, ": %s (%s)\n", strerror(-result), name_of(-result));
	if (what_to_do)
		fprintf(stderr, "      %s\n", what_to_do);
	return 1;
}
