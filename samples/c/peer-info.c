/* SPDX-License-Identifier: MIT
 *
 * peer ENDPOINT info: who a connection is, or who made the bus.
 *
 * It is told what was true when the connection said HELLO, or the bus was made; only names are those of now. The connection, the maker of
 * the bus, and the domain must let a kind through, or it is not there.
 */
#include <stdio.h>
#include <stdlib.h>
#include "metadata.h"
#include "peer.h"

static void print_info(const struct kdbus_info *info, __u64 return_flags, int is_bus)
{
	if (is_bus)
		printf("bus %llu\n", (unsigned long long)info->id);
	else
		printf("connection %llu, %s%s\n", (unsigned long long)info->id, kind_of_connection(info->flags),
		       return_flags & KDBUS_INFO_RETURN_FAKED ? ", speaks for somebody else" : "");
	for_each_item(item, info) {
		if (item->type == KDBUS_ITEM_MAKE_NAME)
			printf("  called %s\n", item->str);
		print_metadata(item);
	}
}

static int run(const struct verb *verb, const char *endpoint, int argc, char **argv)
{
	struct connection connection;
	struct frame frame;
	const struct kdbus_info *info;
	const char *who;
	char *end;
	int result, is_bus;
	__u64 kinds;

	while (next_option(verb, argc, argv) != -1)
		;
	expect_arguments(verb, argc, 1, -1);
	who = argv[optind];
	is_bus = strcmp(who, "bus") == 0;
	kinds = argc - optind == 1 ? ALL_KINDS : 0;
	for (int i = optind + 1; i < argc; i++)
		kinds |= read_kind(argv[i], strlen(argv[i]));

	if (connect_to(&connection, endpoint, "peer-info") != 0)
		return 1;
	frame_begin(&frame, sizeof(frame.info));
	frame.info.attach_flags = kinds;
	if (!is_bus) {
		frame.info.id = strtoull(who, &end, 10);
		if (end == who || *end) {
			frame.info.id = 0;
			frame_add_text(&frame, KDBUS_ITEM_NAME, who);
		}
	}
	result = frame_issue(&frame, connection.fd, is_bus ? KDBUS_CMD_BUS_CREATOR_INFO : KDBUS_CMD_CONN_INFO);
	if (result == 0) {
		info = (const struct kdbus_info *)(connection.pool + frame.info.offset);
		print_info(info, frame.info.return_flags, is_bus);
		result = connection_free(&connection, info);
	}
	connection_close(&connection);
	return result < 0 ? fail(result, KDBUS_CMD_CONN_INFO, "ask about %s", who) : 0;
}

const struct verb peer_info = {
	.name = "info",
	.arguments = "(ID | NAME | bus) [KIND...]",
	.help = "tell who a connection is, or who made the bus\n"
		"\n"
		"Without KIND all kinds of metadata are asked for. There are: creds pids auxgroups tid-comm pid-comm exe\n"
		"cmdline cgroup caps seclabel audit names description, and the extensions pidfs-id start-time. What the\n"
		"connection, the maker of the bus or the domain do not let through is not told; see the file\n"
		"parameters/attach_flags_mask of the domain.\n",
	.options = no_options,
	.run = run,
};
