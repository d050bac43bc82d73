/* SPDX-License-Identifier: MIT
 *
 * Policy as one writes it: WHO:LEVEL, where WHO is world, user=UID or group=GID, and LEVEL is see, talk or own.
 */
#ifndef POLICY_H
#define POLICY_H

struct frame;

/* Adds a rule for the name added last. -EINVAL if it is not of the form above. */
int policy_add(struct frame *frame, const char *rule);

/* Adds NAME:WHO:LEVEL. Rules for one name are to stand side by side; `last` is the rule before this one, or NULL. */
int policy_add_named(struct frame *frame, const char *rule, const char *last);

#endif
