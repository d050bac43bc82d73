/* SPDX-License-Identifier: MIT
 *
 * Topics of signals, as bits of a bloom filter.
 *
 * A bus compares bits and knows no topics: a signal carries a filter, a match has a mask, and the signal is delivered if every bit
 * of the mask is set in the filter. What the bits mean is agreed among the programs of a bus. Ours agree on this: a topic is words
 * with dots between them; a signal about weather.rain is also about weather, so its filter has the bits of both; who wants to
 * hear about weather has the bits of weather in its mask. Different topics can have the same bits, so a filter only says "maybe"
 * (but its "no" is sure): the text of a signal begins with its topic, and the listener looks again.
 */
#ifndef TOPIC_H
#define TOPIC_H

#include <kdbus.h>

/* Both expect `bits` to be bloom->size bytes of zeros. */
void topic_filter(__u64 *bits, const struct kdbus_bloom_parameter *bloom, const char *topic);
void topic_mask(__u64 *bits, const struct kdbus_bloom_parameter *bloom, const char *topic);

/* Whether the text of a signal is about the topic. */
int topic_is(const char *text, const char *topic);

#endif
