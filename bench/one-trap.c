/* SPDX-License-Identifier: MIT
 *
 * one-trap [-r ROUNDS] KIND:PID:PATH...: how long a call of 8 bytes takes with EXCHANGE, for those who measure something else right
 * beside it. One place after the other, in each of them a burst first that does not count. Prints lines as `calls` does, but the way is
 * called one-trap; none if the domain does not know EXCHANGE.
 */
#include <stdio.h>
#include "harness.h"
#include "parties.h"
#include "ways.h"

enum { PAYLOAD = 8 };

int main(int argc, char **argv)
{
	const int rounds = parties_read(argc, argv);
	struct samples results[PLACES] = { 0 }, uncounted = { 0 };

	places_find();
	ways_start(1U << EXCHANGE);
	if (!way_is_here(EXCHANGE))
		return 0;
	for (int where = 0; where < PLACES; where++) {
		crew_place(&ways[EXCHANGE].crew, where);
		way_burst(EXCHANGE, &uncounted, PAYLOAD);
		for (int round = 0; round < rounds; round++)
			way_burst(EXCHANGE, &results[where], PAYLOAD);
	}
	crew_place(&ways[EXCHANGE].crew, FREE);

	for (int where = 0; where < PLACES; where++)
		printf("%s\t%d\tone-trap\t%.2f\t%.2f\t%.2f\t%zu\n", place_names[where], PAYLOAD, samples_quantile(&results[where], 0.5) / 1e3,
		       samples_quantile(&results[where], 0.99) / 1e3, results[where].cpu_ns / 1e3 / results[where].count, results[where].count);
	return 0;
}
