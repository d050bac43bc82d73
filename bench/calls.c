/* SPDX-License-Identifier: MIT
 *
 * calls [-r ROUNDS] KIND:PID:PATH...: how long a call takes, in every way there is.
 *
 * Short bursts of each way, one after the other, round after round, with every process where the scheduler likes and with all on
 * one CPU: what disturbs the machine disturbs all of them alike. What is larger than a message can have in vectors is sent to the
 * bus in recycled memfds. Prints a line for each (place, payload, way), separated by tabs: place, bytes, way, median, 99th percentile, CPU
 * time of all processes together, each in microseconds a call, calls.
 */
#include <stdio.h>
#include "harness.h"
#include "parties.h"
#include "ways.h"

static const size_t payloads[] = { 8, 64, 1 << 10, 16 << 10, 256 << 10, 1 << 20, LARGEST_CALL };

enum { PAYLOADS = sizeof(payloads) / sizeof(payloads[0]) };

static struct samples results[PLACES][PAYLOADS][WAYS];

static void measure(int where, int payload)
{
	for (int way = 0; way < WAYS; way++)
		if (way_is_here(way))
			way_burst(way, &results[where][payload][way], payloads[payload]);
}

static void print(int where, int payload, int way)
{
	struct samples *samples = &results[where][payload][way];

	printf("%s\t%zu\t%s\t%.2f\t%.2f\t%.2f\t%zu\n", place_names[where], payloads[payload], ways[way].name, samples_quantile(samples, 0.5) / 1e3,
	       samples_quantile(samples, 0.99) / 1e3, samples->cpu_ns / 1e3 / samples->count, samples->count);
}

int main(int argc, char **argv)
{
	const int rounds = parties_read(argc, argv);

	places_find();
	ways_start(~0U);
	for (int round = 0; round < rounds; round++)
		for (int where = 0; where < PLACES; where++) {
			for (int way = 0; way < WAYS; way++)
				crew_place(&ways[way].crew, where);
			for (int payload = 0; payload < PAYLOADS; payload++)
				measure(where, payload);
		}
	for (int way = 0; way < WAYS; way++)
		crew_place(&ways[way].crew, FREE);

	for (int where = 0; where < PLACES; where++)
		for (int payload = 0; payload < PAYLOADS; payload++)
			for (int way = 0; way < WAYS; way++)
				if (way_is_here(way))
					print(where, payload, way);
	return 0;
}
