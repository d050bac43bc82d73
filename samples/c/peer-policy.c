/* SPDX-License-Identifier: MIT
 *
 * peer ENDPOINT hold NAME WHO:LEVEL..., peer FILE endpoint NAME [NAME:WHO:LEVEL...]: who may do what.
 *
 * Policy lives as long as the open file that brought it: both verbs do nothing more than keep one open.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "peer.h"
#include "policy.h"

static int run_hold(const struct verb *verb, const char *endpoint, int argc, char **argv)
{
	struct connection connection;
	struct frame hello;
	const char *name;
	int result;

	while (next_option(verb, argc, argv) != -1)
		;
	expect_arguments(verb, argc, 2, -1);
	name = argv[optind++];
	connection_prepare(&hello, "peer-hold");
	hello.hello.flags |= KDBUS_HELLO_POLICY_HOLDER;
	frame_add_text(&hello, KDBUS_ITEM_NAME, name);
	for (; argv[optind]; optind++)
		if (policy_add(&hello, argv[optind]) < 0)
			return fail(-EINVAL, 0, "read the rule %s, it is not WHO:LEVEL", argv[optind]);

	result = connection_hello(&connection, endpoint, &hello);
	if (result < 0)
		return fail(result, KDBUS_CMD_HELLO, "hold policy for %s on %s", name, endpoint);
	printf("connection %llu holds policy for %s\n", (unsigned long long)connection.id, name);
	result = wait_for_end();
	connection_close(&connection);
	return result;
}

/*
 * The name as the bus wants it: <euid>-NAME. On `control`, which belongs to no bus, the name of the bus and a slash come before it.
 * The path tells where the endpoint will be.
 */
static int make_names(const char *file, const char *given, char *name, size_t name_size, char *path, size_t path_size)
{
	const char *slash = strchr(given, '/'), *last = strrchr(file, '/');
	const int bus = slash ? (int)(slash - given) + 1 : 0, directory = last ? (int)(last - file) + 1 : 0;

	if (snprintf(name, name_size, "%.*s%u-%s", bus, given, geteuid(), given + bus) >= (int)name_size ||
	    snprintf(path, path_size, "%.*s%s", directory, file, name) >= (int)path_size)
		return -ENAMETOOLONG;
	return 0;
}

static int make_endpoint(int fd, const char *name, __u64 flags)
{
	struct frame frame;

	frame_begin(&frame, sizeof(frame.command));
	frame.command.flags = flags;
	frame_add_text(&frame, KDBUS_ITEM_MAKE_NAME, name);
	return frame_issue(&frame, fd, KDBUS_CMD_ENDPOINT_MAKE);
}

/* Replaces the whole policy of the endpoint. Without any, nobody may do anything there. */
static int set_policy(int fd, char **rules)
{
	const char *last = NULL;
	struct frame frame;
	int result;

	frame_begin(&frame, sizeof(frame.command));
	for (; *rules; last = *rules++) {
		result = policy_add_named(&frame, *rules, last);
		if (result < 0)
			return result;
	}
	return frame_issue(&frame, fd, KDBUS_CMD_ENDPOINT_UPDATE);
}

static int run_endpoint(const struct verb *verb, const char *file, int argc, char **argv)
{
	char name[256], path[4096];
	__u64 flags = 0;
	int option, fd, result;

	while ((option = next_option(verb, argc, argv)) != -1)
		flags |= option == 'w' ? KDBUS_MAKE_ACCESS_WORLD : KDBUS_MAKE_ACCESS_GROUP;
	expect_arguments(verb, argc, 1, -1);
	result = make_names(file, argv[optind], name, sizeof(name), path, sizeof(path));
	if (result < 0)
		return fail(result, 0, "make the endpoint %s", argv[optind]);

	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(-errno, KDBUS_CMD_ENDPOINT_MAKE, "open %s", file);
	result = make_endpoint(fd, name, flags);
	if (result < 0) {
		result = fail(result, KDBUS_CMD_ENDPOINT_MAKE, "make the endpoint %s with %s", name, file);
	} else {
		result = set_policy(fd, argv + optind + 1);
		if (result < 0) {
			result = fail(result, KDBUS_CMD_ENDPOINT_UPDATE, "set the policy of %s", name);
		} else {
			printf("%s\n", path);
			result = wait_for_end();
		}
	}
	close(fd);
	return result;
}

static const struct option endpoint_options[] = {
	{ "group", no_argument, NULL, 'g' },
	{ "world", no_argument, NULL, 'w' },
	OPTIONS_END
};

const struct verb peer_hold = {
	.name = "hold",
	.arguments = "NAME WHO:LEVEL...",
	.help = "let others see, talk to or own a name; for the owner of the bus\n"
		"\n"
		"NAME may end in .*, which stands for one word. WHO is world, user=UID or group=GID. LEVEL is see, talk or own; each\n"
		"includes those before it. It holds until this program ends.\n",
	.options = no_options,
	.run = run_hold,
};

const struct verb peer_endpoint = {
	.name = "endpoint",
	.arguments = "[--group] [--world] NAME [NAME:WHO:LEVEL...]",
	.help = "make one more endpoint with a policy of its own; for the owner of the bus\n"
		"\n"
		"FILE is an endpoint, and NAME the name of the new one, without the <euid>- it begins with;\n"
		"or FILE is `control`, and NAME is BUS/NAME. For the rules see `peer ENDPOINT hold --help`.\n"
		"The endpoint is there until this program ends.\n"
		"\n"
		"  --group  the file lets the group in\n"
		"  --world  the file lets everybody in\n",
	.options = endpoint_options,
	.run = run_endpoint,
};
