/* SPDX-License-Identifier: MIT
 *
 * The measuring side of the benchmark: times of single calls, CPU time of whole processes, where processes run. All times are
 * nanoseconds. What cannot be measured ends the program: a wrong number is worse than none.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { MAX_PROCESSES = 4 };

/* Prints what failed with the text of an errno (0 for none), and ends the program. */
_Noreturn void die(const char *what, int error);

uint64_t now_ns(void);

/* CPU time all threads of a process have used, those that have ended too. */
uint64_t cpu_ns(pid_t process);

/* Forks a process that dies with its parent and never returns from run(argument). */
pid_t spawn(void (*run)(void *argument), void *argument);

/* Times of single calls and the CPU time of all processes that took part in them. */
struct samples {
	uint64_t *ns;
	size_t count, room;
	uint64_t cpu_ns;
};

void samples_add(struct samples *samples, uint64_t ns);
/* The time that a part of the calls (0 to 1) did not exceed. Sorts. */
uint64_t samples_quantile(struct samples *samples, double part);

/* Puts all threads of a process on these CPUs. */
void place(pid_t process, const cpu_set_t *cpus);

/* Reads one byte of each cache line, as a program would at least that receives the payload. */
void look_at(const void *payload, size_t size);

#endif
