/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "frame.h"
#include "policy.h"

static const struct {
	const char *text;
	__u64 value;
} whos[] = {
	{ "user=", KDBUS_POLICY_ACCESS_USER },
	{ "group=", KDBUS_POLICY_ACCESS_GROUP },
	{ "world", KDBUS_POLICY_ACCESS_WORLD },
}, levels[] = {
	{ ":see", KDBUS_POLICY_SEE },
	{ ":talk", KDBUS_POLICY_TALK },
	{ ":own", KDBUS_POLICY_OWN },
};

/* Reads a uid or gid, and leaves the text behind it. */
static const char *read_id(const char *text, __u64 *id)
{
	char *end;

	if (*text < '0' || *text > '9')
		return NULL;
	errno = 0;
	*id = strtoull(text, &end, 10);
	return errno ? NULL : end;
}

int policy_add(struct frame *frame, const char *rule)
{
	struct kdbus_policy_access access = { 0 };
	const char *rest = NULL;

	for (size_t i = 0; i < sizeof(whos) / sizeof(whos[0]) && !rest; i++) {
		if (strncmp(rule, whos[i].text, strlen(whos[i].text)) != 0)
			continue;
		access.type = whos[i].value;
		rest = rule + strlen(whos[i].text);
	}
	if (rest && access.type != KDBUS_POLICY_ACCESS_WORLD)
		rest = read_id(rest, &access.id);
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]) && rest; i++) {
		if (strcmp(rest, levels[i].text) != 0)
			continue;
		access.access = levels[i].value;
		frame_add(frame, KDBUS_ITEM_POLICY_ACCESS, &access, sizeof(access));
		return 0;
	}
	return -EINVAL;
}

int policy_add_named(struct frame *frame, const char *rule, const char *last)
{
	const char *colon = strchr(rule, ':');
	const size_t length = colon ? (size_t)(colon - rule) : 0;
	char name[KDBUS_NAME_MAX_LEN + 1];

	if (length == 0 || length >= sizeof(name))
		return -EINVAL;
	/* A NAME item begins an entry; the same name again is not a second entry but more of the first. */
	if (!last || strncmp(rule, last, length + 1) != 0) {
		memcpy(name, rule, length);
		name[length] = '\0';
		frame_add_text(frame, KDBUS_ITEM_NAME, name);
	}
	return policy_add(frame, colon + 1);
}
