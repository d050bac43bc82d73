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

enum { MAX_PROCESSES = 4, SIZE_BYTES = 8 };

/* Prints what failed with the text of an errno (0 for none), and ends the program. */
_Noreturn void die(const char *what, int error);

uint64_t now_ns(void);

/* CPU time all threads of a process have used, those that have ended too. */
uint64_t cpu_ns(pid_t process);

/* Forks a process that dies with its parent and never returns from run(argument). If it ends before, so does this program. */
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

/* Where processes are measured: wherever the scheduler likes, and all on one CPU, the last one we may use. */
enum { FREE, PINNED, PLACES };
extern const char *const place_names[PLACES];
extern cpu_set_t places[PLACES];
void places_find(void);

/* All processes that take part in something. */
struct crew {
	pid_t processes[MAX_PROCESSES];
	int count;
};

void crew_add(struct crew *crew, pid_t process);
void crew_place(const struct crew *crew, int where);
uint64_t crew_cpu_ns(const struct crew *crew);

/* Lets this process open as many files as it may. */
void raise_files(void);

/* Reads and writes exactly so many bytes. */
void read_all(int fd, void *bytes, size_t size);
void write_all(int fd, const void *bytes, size_t size);

/*
 * A payload begins with its own size in 8 bytes and is filled with x, so that both sides can tell a wrong one. payload_check looks at
 * one byte of each cache line, as a program would at least that receives it.
 */
unsigned char *payload_make(size_t largest);
void payload_set(unsigned char *payload, size_t size);
void payload_check(const unsigned char *payload, size_t size);

#endif
