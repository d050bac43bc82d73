/* SPDX-License-Identifier: MIT
 *
 * peer ENDPOINT list: who is on the bus, and which names there are.
 *
 * The bus gives a list as records in our pool, in no particular order. A connection that has several names is in it several times.
 */
#include <stdio.h>
#include <stdlib.h>
#include "peer.h"

/* What is asked for, one question at a time: so each record is what it says it is. */
static const struct {
	__u64 flags;
	const char *title;
} questions[] = {
	{ KDBUS_LIST_UNIQUE, "connections" },
	{ KDBUS_LIST_NAMES, "names" },
	{ KDBUS_LIST_QUEUED, "waiting for a name" },
	{ KDBUS_LIST_ACTIVATORS, "activators" },
};

static int by_id(const void *left, const void *right)
{
	const struct kdbus_info *l = *(const struct kdbus_info *const *)left, *r = *(const struct kdbus_info *const *)right;

	return l->id < r->id ? -1 : l->id > r->id;
}

/* What the connection called itself when it said HELLO. */
static int print_description(struct connection *connection, __u64 id)
{
	struct kdbus_cmd_info command = { .size = sizeof(command), .id = id, .attach_flags = KDBUS_ATTACH_CONN_DESCRIPTION };
	const int result = issue(connection->fd, KDBUS_CMD_CONN_INFO, &command);
	const struct kdbus_info *info;

	if (result == -ENXIO) {		/* Gone since we asked for the list, or not for us to see through a custom endpoint. */
		printf("(hidden)");
		return 0;
	}
	if (result < 0)
		return result;
	info = (const struct kdbus_info *)(connection->pool + command.offset);
	for_each_item(item, info)
		if (item->type == KDBUS_ITEM_CONN_DESCRIPTION)
			printf("%s", item->str);
	return connection_free(connection, info);
}

static int print_record(struct connection *connection, __u64 question, const struct kdbus_info *info)
{
	const struct kdbus_name *name = NULL;
	int result = 0;

	for_each_item(item, info)
		if (item->type == KDBUS_ITEM_OWNED_NAME)
			name = &item->name;
	printf("  %llu  ", (unsigned long long)info->id);
	if (name)
		printf("%s", name->name);
	else
		result = print_description(connection, info->id);
	/* The flags are those of the owner, also in the record of a waiter. */
	if (question == KDBUS_LIST_NAMES && name && name->flags & KDBUS_NAME_ALLOW_REPLACEMENT)
		printf("  allows replacement");
	if (!name && info->flags & KDBUS_HELLO_POLICY_HOLDER)
		printf("  %s", kind_of_connection(info->flags));
	if (!name && info->id == connection->id)
		printf("  this program");
	putchar('\n');
	return result;
}

static int print_list(struct connection *connection, __u64 flags, const char *title)
{
	struct kdbus_cmd_list list = { .size = sizeof(list), .flags = flags };
	const struct kdbus_info **records;
	const unsigned char *record;
	size_t count = 0;
	int result = issue(connection->fd, KDBUS_CMD_LIST, &list);

	if (result < 0)
		return result;
	if (list.list_size == 0)
		return 0;
	/* A record is at least as large as its header. */
	records = malloc(list.list_size / sizeof(struct kdbus_info) * sizeof(*records));
	if (!records)
		return -ENOMEM;
	for (record = connection->pool + list.offset; record < connection->pool + list.offset + list.list_size;
	     record += ALIGN8(records[count++]->size))
		records[count] = (const struct kdbus_info *)record;
	qsort(records, count, sizeof(*records), by_id);

	printf("%s\n", title);
	for (size_t i = 0; i < count && result == 0; i++)
		result = print_record(connection, flags, records[i]);
	free(records);
	return result < 0 ? result : connection_free(connection, connection->pool + list.offset);
}

static int run(const struct verb *verb, const char *endpoint, int argc, char **argv)
{
	struct connection connection;
	int result = 0;

	while (next_option(verb, argc, argv) != -1)
		;
	expect_arguments(verb, argc, 0, 0);
	if (connect_to(&connection, endpoint, "peer-list") != 0)
		return 1;
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]) && result == 0; i++)
		result = print_list(&connection, questions[i].flags, questions[i].title);
	connection_close(&connection);
	return result < 0 ? fail(result, KDBUS_CMD_LIST, "list the connections") : 0;
}

const struct verb peer_list = {
	.name = "list",
	.arguments = "",
	.help = "show the connections, names, waiters and activators of the bus\n",
	.options = no_options,
	.run = run,
};
