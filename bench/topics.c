/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>
#include "harness.h"
#include "topics.h"

enum { BLOOM_BITS = 8 };

void topic_add(unsigned char *filter, uint64_t topic)
{
	for (int i = 0; i < BLOOM_BITS; i++) {
		topic = topic * 6364136223846793005ULL + 1442695040888963407ULL;
		filter[(topic >> 40) % BLOOM_SIZE] |= 1 << ((topic >> 33) & 7);
	}
}

void topic_listen(struct peer *peer, uint64_t topic)
{
	struct {
		struct kdbus_cmd_match command;
		uint64_t item_size, item_type;
		unsigned char mask[BLOOM_SIZE];
	} match = {
		.command = { .size = sizeof(match), .cookie = topic },
		.item_size = offsetof(struct kdbus_item, data) + BLOOM_SIZE,
		.item_type = KDBUS_ITEM_BLOOM_MASK,
	};

	topic_add(match.mask, topic);
	if (ioctl(peer->fd, KDBUS_CMD_MATCH_ADD, &match) < 0)
		die("MATCH_ADD", errno);
}

void topic_ignore(struct peer *peer, uint64_t topic)
{
	struct kdbus_cmd_match match = { .size = sizeof(match), .cookie = topic };

	if (ioctl(peer->fd, KDBUS_CMD_MATCH_REMOVE, &match) < 0)
		die("MATCH_REMOVE", errno);
}
