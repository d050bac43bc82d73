/* SPDX-License-Identifier: MIT
 *
 * peer ENDPOINT own NAME: a service that owns a name, prints what it receives, and answers requests with their own text.
 *
 * Names can be taken from us, and handed to us later. The bus tells, like everything that happens on it, by a notification, to
 * whoever asked for it with a match.
 */
#include <stdio.h>
#include <string.h>
#include "peer.h"

struct owner {
	const char *name;
	__u64 flags;			/* KDBUS_NAME_* */
	int owns;
	int is_silent;
	unsigned long long left;	/* messages until the end; 0 = no end */
};

static const struct option options[] = {
	{ "queue", no_argument, NULL, 'q' },
	{ "allow-replacement", no_argument, NULL, 'a' },
	{ "replace", no_argument, NULL, 'r' },
	{ "silent", no_argument, NULL, 's' },
	{ "count", required_argument, NULL, 'n' },
	OPTIONS_END
};

static void print_state(struct connection *connection, struct owner *owner, const char *state)
{
	printf("connection %llu %s %s\n", (unsigned long long)connection->id, state, owner->name);
}

/* The name went from one owner to another, and one of them are we. Returns true when there is nothing more to do here. */
static int follow(struct connection *connection, struct owner *owner, const struct kdbus_notify_name_change *change)
{
	if (change->new_id.id == connection->id) {
		if (!owner->owns)
			print_state(connection, owner, "now owns");
		owner->owns = 1;
		return 0;
	}
	owner->owns = 0;
	print_state(connection, owner, owner->flags & KDBUS_NAME_QUEUE ? "has lost and waits for" : "has lost");
	return !(owner->flags & KDBUS_NAME_QUEUE);
}

static void answer(struct connection *connection, const struct kdbus_msg *request)
{
	char text[TEXT_MAX];
	int result = connection_text(request, text, sizeof(text));

	if (result == 0)
		result = connection_send(connection, request->src_id, request->cookie, text);
	/* Who asked may have gone, or may not wait any longer: no reason to stop serving. */
	if (result < 0)
		fail(result, KDBUS_CMD_SEND, "answer %llu", (unsigned long long)request->src_id);
}

static int take(struct connection *connection, const struct kdbus_msg *message, void *context)
{
	struct owner *owner = context;

	if (message->src_id == KDBUS_SRC_ID_KERNEL)
		return message->items[0].type == KDBUS_ITEM_NAME_CHANGE && follow(connection, owner, &message->items[0].name_change);

	printf("from %llu: ", (unsigned long long)message->src_id);
	print_payload(message);
	printf("%s\n", message->flags & KDBUS_MSG_EXPECT_REPLY ? " wants an answer" : "");
	print_descriptors(message);
	if (message->flags & KDBUS_MSG_EXPECT_REPLY && !owner->is_silent)
		answer(connection, message);
	return owner->left && --owner->left == 0;
}

/* Matches before the name: nothing that happens to it after can be missed. */
static int watch_name(struct connection *connection, const char *name)
{
	struct {
		struct kdbus_notify_id_change old_id, new_id;
		char name[KDBUS_NAME_MAX_LEN + 1];
	} to_us = { .old_id.id = KDBUS_MATCH_ID_ANY, .new_id.id = connection->id },
	  from_us = { .old_id.id = connection->id, .new_id.id = KDBUS_MATCH_ID_ANY };
	const size_t length = strnlen(name, KDBUS_NAME_MAX_LEN), size = offsetof(__typeof__(to_us), name) + length + 1;
	int result;

	memcpy(to_us.name, name, length);
	memcpy(from_us.name, name, length);
	result = add_match(connection, KDBUS_ITEM_NAME_CHANGE, &to_us, size);
	return result ? result : add_match(connection, KDBUS_ITEM_NAME_CHANGE, &from_us, size);
}

static int acquire(struct connection *connection, struct owner *owner)
{
	struct frame frame;
	int result;

	frame_begin(&frame, sizeof(frame.command));
	frame.command.flags = owner->flags;
	frame_add_text(&frame, KDBUS_ITEM_NAME, owner->name);
	result = frame_issue(&frame, connection->fd, KDBUS_CMD_NAME_ACQUIRE);
	if (result < 0)
		return fail(result, KDBUS_CMD_NAME_ACQUIRE, "acquire the name %s", owner->name);
	owner->owns = !(frame.command.return_flags & KDBUS_NAME_IN_QUEUE);
	print_state(connection, owner, owner->owns ? "owns" : "waits for");
	return 0;
}

static int run(const struct verb *verb, const char *endpoint, int argc, char **argv)
{
	struct owner owner = { 0 };
	struct connection connection;
	int option, result;

	while ((option = next_option(verb, argc, argv)) != -1) {
		if (option == 'n')
			owner.left = read_number(verb, optarg);
		else if (option == 's')
			owner.is_silent = 1;
		else
			owner.flags |= option == 'q' ? KDBUS_NAME_QUEUE :
				       option == 'a' ? KDBUS_NAME_ALLOW_REPLACEMENT : KDBUS_NAME_REPLACE_EXISTING;
	}
	expect_arguments(verb, argc, 1, 1);
	owner.name = argv[optind];

	if (connect_to(&connection, endpoint, "peer-own") != 0)
		return 1;
	result = watch_name(&connection, owner.name);
	if (result == 0)
		result = acquire(&connection, &owner);
	if (result == 0)
		result = receive_until_end(&connection, take, &owner);
	connection_close(&connection);
	return result;
}

const struct verb peer_own = {
	.name = "own",
	.arguments = "[--queue] [--allow-replacement] [--replace] [--silent] [--count N] NAME",
	.help = "own a name, print what is sent to it, answer requests by an echo\n"
		"\n"
		"  --queue              wait if somebody has the name, and when it is taken from us\n"
		"  --allow-replacement  others may take it from us with --replace\n"
		"  --replace            take it from an owner who allows that\n"
		"  --silent             do not answer\n"
		"  --count N            end after N messages\n",
	.options = options,
	.run = run,
};
