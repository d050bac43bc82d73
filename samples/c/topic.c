/* SPDX-License-Identifier: MIT */
#include <string.h>
#include "topic.h"

/* FNV-1a, seeded with the number of the function, so that n_hash functions come from one. */
static __u64 hash(const char *bytes, size_t length, __u64 function)
{
	__u64 hash = 0xcbf29ce484222325ULL ^ function;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3ULL;
	return hash ^ hash >> 32;
}

static void set(__u64 *bits, const struct kdbus_bloom_parameter *bloom, const char *word, size_t length)
{
	for (__u64 function = 0; function < bloom->n_hash; function++) {
		const __u64 bit = hash(word, length, function) % (bloom->size * 8);

		bits[bit / 64] |= 1ULL << bit % 64;
	}
}

void topic_filter(__u64 *bits, const struct kdbus_bloom_parameter *bloom, const char *topic)
{
	for (size_t length = 0; topic[length]; length++)
		if (topic[length + 1] == '.' || topic[length + 1] == '\0')
			set(bits, bloom, topic, length + 1);
}

void topic_mask(__u64 *bits, const struct kdbus_bloom_parameter *bloom, const char *topic)
{
	set(bits, bloom, topic, strlen(topic));
}

int topic_is(const char *text, const char *topic)
{
	const size_t length = strlen(topic);

	return strncmp(text, topic, length) == 0 && (text[length] == '.' || text[length] == ':');
}
