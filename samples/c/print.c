/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "connection.h"
#include "frame.h"
#include "print.h"

void print_text(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		const unsigned char c = *text;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c == '\n')
			printf("\\n");
		else if (c < ' ' || c == 0x7f)
			printf("\\x%02x", c);
		else
			putchar(c);
	}
	putchar('"');
}

void print_payload(const struct kdbus_msg *message)
{
	char text[TEXT_MAX];
	const int result = connection_text(message, text, sizeof(text));

	if (result == 0)
		print_text(text);
	else
		printf("(no text: %s)", strerror(-result));
}

static void print_descriptor(int fd)
{
	char link[sizeof("/proc/self/fd/") + 10], path[TEXT_MAX];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = fd < 0 ? -1 : readlink(link, path, sizeof(path) - 1);
	printf("  descriptor   ");
	if (length < 0) {
		printf("did not come along");
	} else {
		path[length] = '\0';
		print_text(path);
	}
	putchar('\n');
}

void print_descriptors(const struct kdbus_msg *message)
{
	for_each_item(item, message)
		if (item->type == KDBUS_ITEM_FDS)
			for (size_t i = 0; i < (item->size - ITEM_HEADER) / sizeof(int); i++)
				print_descriptor(item->fds[i]);
}

const char *kind_of_connection(__u64 hello_flags)
{
	return hello_flags & KDBUS_HELLO_ACTIVATOR ? "activator" :
	       hello_flags & KDBUS_HELLO_POLICY_HOLDER ? "policy holder" :
	       hello_flags & KDBUS_HELLO_MONITOR ? "monitor" : "ordinary";
}

static void print_owner(const char *before, const struct kdbus_notify_id_change *owner)
{
	printf("%s%llu%s", before, (unsigned long long)owner->id, owner->flags & KDBUS_NAME_ACTIVATOR ? " (activator)" : "");
}

static void print_name_change(__u64 type, const struct kdbus_notify_name_change *change)
{
	printf("name %s: ", change->name);
	if (type == KDBUS_ITEM_NAME_ADD) {
		print_owner("new, owned by ", &change->new_id);
	} else if (type == KDBUS_ITEM_NAME_REMOVE) {
		print_owner("gone, was owned by ", &change->old_id);
	} else {
		print_owner("from ", &change->old_id);
		print_owner(" to ", &change->new_id);
	}
}

void print_notification(const struct kdbus_msg *message)
{
	/* Exactly one item says what happened; metadata may follow. */
	const struct kdbus_item *item = message->items;

	switch (item->type) {
	case KDBUS_ITEM_ID_ADD:
	case KDBUS_ITEM_ID_REMOVE:
		printf("connection %llu %s (%s)", (unsigned long long)item->id_change.id,
		       item->type == KDBUS_ITEM_ID_ADD ? "came" : "went", kind_of_connection(item->id_change.flags));
		break;
	case KDBUS_ITEM_NAME_ADD:
	case KDBUS_ITEM_NAME_REMOVE:
	case KDBUS_ITEM_NAME_CHANGE:
		print_name_change(item->type, &item->name_change);
		break;
	case KDBUS_ITEM_REPLY_TIMEOUT:
		printf("no reply to request %llu came in time", (unsigned long long)message->cookie_reply);
		break;
	case KDBUS_ITEM_REPLY_DEAD:
		printf("there will be no reply to request %llu", (unsigned long long)message->cookie_reply);
		break;
	default:
		printf("notification %#llx", (unsigned long long)item->type);
	}
	putchar('\n');
}
