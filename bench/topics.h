/* SPDX-License-Identifier: MIT
 *
 * What signals are about: a few bits of a bloom filter stand for a topic. Any program and its listeners may agree on another way.
 */
#ifndef TOPICS_H
#define TOPICS_H

#include "peer.h"

enum { BLOOM_SIZE = 64 };

void topic_add(unsigned char *filter, uint64_t topic);
void topic_listen(struct peer *peer, uint64_t topic);
void topic_ignore(struct peer *peer, uint64_t topic);

#endif
