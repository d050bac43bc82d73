/* SPDX-License-Identifier: MIT
 *
 * What a program says when the bus said no.
 */
#ifndef ERRORS_H
#define ERRORS_H

/*
 * Says to standard error what was tried, what came of it by name, and what to do. `result` is a negative errno, `command` the
 * KDBUS_CMD_* that returned it, or 0. Returns the exit code of a program that failed, 1.
 */
int fail(int result, unsigned long command, const char *tried, ...) __attribute__((format(printf, 3, 4)));

#endif
