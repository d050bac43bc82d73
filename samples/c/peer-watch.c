/* SPDX-License-Identifier: MIT
 *
 * peer ENDPOINT watch, peer ENDPOINT monitor: see what happens on a bus.
 *
 * Who watches asks the bus for notifications: who comes and goes, and who gets which name. Everybody may. A monitor gets a copy of
 * every message as well, and is seen by nobody; only the owner of the bus may have one.
 */
#include <stdio.h>
#include <string.h>
#include "metadata.h"
#include "peer.h"

static int print_change(struct connection *connection, const struct kdbus_msg *message, void *context)
{
	(void)connection, (void)context;
	if (message->src_id == KDBUS_SRC_ID_KERNEL)
		print_notification(message);
	return 0;
}

static int run_watch(const struct verb *verb, const char *endpoint, int argc, char **argv)
{
	const struct kdbus_notify_id_change anybody = { .id = KDBUS_MATCH_ID_ANY };
	/* Without a name behind it: any name. */
	const struct kdbus_notify_name_change any_name = { .old_id = anybody, .new_id = anybody };
	struct connection connection;
	int result = 0;

	while (next_option(verb, argc, argv) != -1)
		;
	expect_arguments(verb, argc, 0, 0);
	if (connect_to(&connection, endpoint, "peer-watch") != 0)
		return 1;
	/* Five matches: all items of one match have to hold, and a notification is only one thing. */
	for (__u64 type = KDBUS_ITEM_NAME_ADD; type <= KDBUS_ITEM_NAME_CHANGE && result == 0; type++)
		result = add_match(&connection, type, &any_name, sizeof(any_name));
	for (__u64 type = KDBUS_ITEM_ID_ADD; type <= KDBUS_ITEM_ID_REMOVE && result == 0; type++)
		result = add_match(&connection, type, &anybody, sizeof(anybody));
	if (result == 0) {
		printf("connection %llu watches\n", (unsigned long long)connection.id);
		result = receive_until_end(&connection, print_change, NULL);
	}
	connection_close(&connection);
	return result;
}

static void print_receiver(const struct kdbus_msg *message)
{
	for_each_item(item, message) {
		if (item->type == KDBUS_ITEM_DST_NAME) {
			printf("%s", item->str);
			return;
		}
	}
	if (message->dst_id == KDBUS_DST_ID_BROADCAST)
		printf("everybody");
	else
		printf("%llu", (unsigned long long)message->dst_id);
}

static int print_copy(struct connection *connection, const struct kdbus_msg *message, void *context)
{
	(void)connection, (void)context;
	if (message->src_id == KDBUS_SRC_ID_KERNEL) {
		printf("the bus: ");
		print_notification(message);
		return 0;
	}
	printf("%llu to ", (unsigned long long)message->src_id);
	print_receiver(message);
	if (message->flags & KDBUS_MSG_EXPECT_REPLY)
		printf(", request %llu: ", (unsigned long long)message->cookie);
	else if (message->cookie_reply)
		printf(", reply to %llu: ", (unsigned long long)message->cookie_reply);
	else
		printf(", %s: ", message->flags & KDBUS_MSG_SIGNAL ? "signal" : "message");
	print_payload(message);
	putchar('\n');
	for_each_item(item, message)
		print_metadata(item);
	return 0;
}

static const struct option monitor_options[] = {
	{ "who", required_argument, NULL, 'w' },
	OPTIONS_END
};

/* Kinds of metadata, separated by commas. */
static __u64 read_kinds(const char *list)
{
	__u64 kinds = 0;

	for (;; list++) {
		const size_t length = strcspn(list, ",");

		kinds |= read_kind(list, length);
		list += length;
		if (*list == '\0')
			return kinds;
	}
}

static int run_monitor(const struct verb *verb, const char *endpoint, int argc, char **argv)
{
	struct connection connection;
	struct frame hello;
	__u64 kinds = 0;
	int option, result;

	while ((option = next_option(verb, argc, argv)) != -1)
		kinds = read_kinds(optarg);
	expect_arguments(verb, argc, 0, 0);
	connection_prepare(&hello, "peer-monitor");
	hello.hello.flags |= KDBUS_HELLO_MONITOR;
	hello.hello.attach_flags_recv = kinds;
	result = connection_hello(&connection, endpoint, &hello);
	if (result < 0)
		return fail(result, KDBUS_CMD_HELLO, "monitor %s", endpoint);
	printf("connection %llu monitors\n", (unsigned long long)connection.id);
	result = receive_until_end(&connection, print_copy, NULL);
	connection_close(&connection);
	return result;
}

const struct verb peer_watch = {
	.name = "watch",
	.arguments = "",
	.help = "tell when connections come and go, and names change hands\n",
	.options = no_options,
	.run = run_watch,
};

const struct verb peer_monitor = {
	.name = "monitor",
	.arguments = "[--who KIND,...]",
	.help = "show every message of the bus; for its owner\n"
		"\n"
		"  --who KIND,...  tell who sent it, too: creds, pids and so on, see peer ENDPOINT info --help\n",
	.options = monitor_options,
	.run = run_monitor,
};
