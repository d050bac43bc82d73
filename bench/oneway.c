/* SPDX-License-Identifier: MIT
 *
 * oneway [-r ROUNDS] KIND:PID:PATH...: how many messages of 64 bytes a second get from one process to another that answers none of them.
 *
 * Each way as it does it best: EXCHANGE with as many messages as it can carry, or 32 messages in one write to a socket; the classic way has
 * nothing but one SEND for each. The receiver confirms each batch, and no more than two are on their way: so everybody stays below what a
 * queue of a bus takes of one user. Short bursts of each, round after round, in both places. Prints a line for each (place, way), separated
 * by tabs: place, way, messages a second in the median burst, CPU time of all processes together in microseconds a message.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "dbus-peer.h"
#include "exchange.h"
#include "harness.h"
#include "parties.h"
#include "sockets.h"

/* So many messages are carried by one EXCHANGE, and a burst is a whole number of these and of writes. */
enum { SIZE = 64, BATCH = 113, WRITE = 32, BURST = BATCH * WRITE, WINDOW = 2 * BATCH };

enum { EXCHANGE, CLASSIC, UNIX, RELAY, BY_DBUS_DAEMON, BY_DBUS_BROKER, WAYS };

static struct peer classic[2], exchanging[2];
static struct exchange exchanges[2];
static struct stream direct, relayed;
static struct dbus_peer dbus[KINDS][2];

static void burst_exchange(void)
{
	struct exchange *sender = &exchanges[0];

	for (int sent = 0, confirmed = 0; confirmed < BURST;) {
		const int may = sent < BURST && sent + BATCH <= confirmed + WINDOW;
		const int after = may ? sent + BATCH : sent;
		const int must_wait = after == BURST || after + BATCH > confirmed + WINDOW;

		exchange_begin(sender, KDBUS_EXCHANGE_RECV, must_wait ? ~0ULL : 0);
		for (; sent < after; sent++)
			if (!exchange_add(sender, (struct kdbus_msg){ .dst_id = exchanging[1].id }, SIZE, NULL))
				die("a batch does not fit into EXCHANGE", 0);
		exchange_do(sender, exchange_room(SIZE_BYTES));
		while (exchange_next(sender))
			confirmed += BATCH;
	}
}

static void sink_exchange(void *nothing)
{
	struct exchange *receiver = &exchanges[1];
	int received = 0;

	(void)nothing;
	for (;;) {
		const struct kdbus_msg *message;

		exchange_begin(receiver, KDBUS_EXCHANGE_RECV, ~0ULL);
		for (; received >= BATCH; received -= BATCH)
			exchange_add(receiver, (struct kdbus_msg){ .dst_id = exchanging[0].id }, SIZE_BYTES, NULL);
		exchange_do(receiver, EXCHANGE_ROOM);
		for (; (message = exchange_next(receiver)); received++)
			if (peer_check(receiver->peer, message) != SIZE)
				die("the wrong message arrived", 0);
	}
}

static void burst_classic(void)
{
	for (int sent = 0, confirmed = 0; confirmed < BURST;) {
		uint64_t offset;

		if (sent < BURST && sent < confirmed + WINDOW) {
			peer_send(&classic[0], (struct kdbus_msg){ .dst_id = classic[1].id }, SIZE);
			sent++;
			continue;
		}
		peer_receive(&classic[0], &offset);
		peer_free(&classic[0], offset);
		confirmed += BATCH;
	}
}

static void sink_classic(void *nothing)
{
	(void)nothing;
	for (int received = 1;; received++) {
		uint64_t offset;

		if (peer_check(&classic[1], peer_receive(&classic[1], &offset)) != SIZE)
			die("the wrong message arrived", 0);
		peer_free(&classic[1], offset);
		if (received % BATCH == 0)
			peer_send(&classic[1], (struct kdbus_msg){ .dst_id = classic[0].id }, SIZE_BYTES);
	}
}

static void burst_stream(struct stream *stream)
{
	unsigned char bytes[WRITE * SIZE];
	uint64_t confirmation;

	for (int sent = 0, confirmed = 0; confirmed < BURST;) {
		if (sent < BURST && sent + WRITE <= confirmed + WINDOW) {
			for (int i = 0; i < WRITE; i++, sent++) {
				payload_set(stream->payload, SIZE);
				memcpy(bytes + i * SIZE, stream->payload, SIZE);
			}
			write_all(stream->fd, bytes, sizeof(bytes));
			continue;
		}
		read_all(stream->fd, &confirmation, sizeof(confirmation));
		confirmed += BATCH;
	}
}

static void sink_stream(int fd, size_t room)
{
	unsigned char *bytes = payload_make(room);
	int received = 0;

	for (size_t have = 0;;) {
		const ssize_t got = read(fd, bytes + have, room - have);
		size_t at = 0;

		if (got <= 0)
			die("read from a socket", 0);
		for (have += got; have - at >= SIZE; at += SIZE) {
			payload_check(bytes + at, SIZE);
			if (++received % BATCH == 0)
				write_all(fd, &(uint64_t){ received }, sizeof(uint64_t));
		}
		have -= at;
		memmove(bytes, bytes + at, have);
	}
}

static struct dbus_header to(const struct dbus_peer *peer)
{
	return (struct dbus_header){
		.type = DBUS_CALL,
		.flags = DBUS_NO_REPLY,
		.destination = peer->dbus.name,
		.path = "/bench",
		.interface = "org.example.Bench",
		.member = "Tell",
	};
}

static void receive_call(struct dbus *connection, struct dbus_message *message)
{
	do {
		dbus_receive(connection, message);
	} while (message->type != DBUS_CALL);
}

static void burst_dbus(struct dbus_peer *peers)
{
	unsigned char bytes[WRITE * (DBUS_MOST_HEADER / 4 + SIZE)];
	struct dbus_message confirmation;

	for (int sent = 0, confirmed = 0; confirmed < BURST;) {
		if (sent < BURST && sent + WRITE <= confirmed + WINDOW) {
			size_t end = 0;

			for (int i = 0; i < WRITE; i++, sent++)
				end += dbus_peer_put(&peers[0], bytes + end, to(&peers[1]), SIZE);
			dbus_send(&peers[0].dbus, bytes, end, NULL, 0);
			continue;
		}
		receive_call(&peers[0].dbus, &confirmation);
		confirmed += BATCH;
	}
}

static void sink_dbus(void *argument)
{
	struct dbus_peer *peers = argument;
	unsigned char confirmation[DBUS_MOST_HEADER];
	struct dbus_message message;

	for (int received = 1;; received++) {
		receive_call(&peers[1].dbus, &message);
		if (dbus_peer_check(&message) != SIZE)
			die("the wrong message arrived", 0);
		if (received % BATCH == 0)
			dbus_send(&peers[1].dbus, confirmation, dbus_peer_put(&peers[1], confirmation, to(&peers[0]), SIZE_BYTES), NULL, 0);
	}
}

static void burst_unix(void) { burst_stream(&direct); }
static void burst_relay(void) { burst_stream(&relayed); }
static void burst_dbus_daemon(void) { burst_dbus(dbus[DBUS_DAEMON]); }
static void burst_dbus_broker(void) { burst_dbus(dbus[DBUS_BROKER]); }

static struct way {
	const char *name;
	void (*burst)(void);
	struct crew crew;		/* nobody: it is not here */
	struct samples results[PLACES];
} ways[WAYS] = {
	[EXCHANGE] = { .name = "exchange", .burst = burst_exchange },
	[CLASSIC] = { .name = "classic", .burst = burst_classic },
	[UNIX] = { .name = "unix", .burst = burst_unix },
	[RELAY] = { .name = "relay", .burst = burst_relay },
	[BY_DBUS_DAEMON] = { .name = "dbus-daemon", .burst = burst_dbus_daemon },
	[BY_DBUS_BROKER] = { .name = "dbus-broker", .burst = burst_dbus_broker },
};

static void takes_part(int way, pid_t receiver, pid_t broker)
{
	crew_add(&ways[way].crew, getpid());
	crew_add(&ways[way].crew, receiver);
	if (broker)
		crew_add(&ways[way].crew, broker);
}

static void start_kdbusfs(void)
{
	for (int end = 0; end < 2; end++) {
		peer_open(&classic[end], parties[KDBUSFS].path, POOL_SIZE, SIZE);
		peer_open(&exchanging[end], parties[KDBUSFS].path, POOL_SIZE, SIZE);
		exchange_open(&exchanges[end], &exchanging[end]);
	}
	takes_part(CLASSIC, spawn(sink_classic, NULL), parties[KDBUSFS].process);
	if (exchange_is_known(&exchanging[0]))
		takes_part(EXCHANGE, spawn(sink_exchange, NULL), parties[KDBUSFS].process);
}

static void start_dbus(int way, enum kind kind)
{
	if (!parties[kind].path)
		return;
	for (int end = 0; end < 2; end++)
		dbus_peer_open(&dbus[kind][end], parties[kind].path, SIZE);
	takes_part(way, spawn(sink_dbus, dbus[kind]), parties[kind].process);
}

static void measure(struct way *way, int where)
{
	uint64_t cpu, start;

	way->burst();
	cpu = crew_cpu_ns(&way->crew);
	start = now_ns();
	way->burst();
	samples_add(&way->results[where], now_ns() - start);
	way->results[where].cpu_ns += crew_cpu_ns(&way->crew) - cpu;
}

int main(int argc, char **argv)
{
	const int rounds = parties_read(argc, argv);

	places_find();
	stream_open(&direct, 64 << 10, 0, sink_stream);
	takes_part(UNIX, direct.server, 0);
	stream_open(&relayed, 64 << 10, 1, sink_stream);
	takes_part(RELAY, relayed.server, relayed.relay);
	if (parties[KDBUSFS].path)
		start_kdbusfs();
	start_dbus(BY_DBUS_DAEMON, DBUS_DAEMON);
	start_dbus(BY_DBUS_BROKER, DBUS_BROKER);

	for (int round = 0; round < rounds; round++)
		for (int where = FREE; where < PLACES; where++) {
			for (int way = 0; way < WAYS; way++)
				crew_place(&ways[way].crew, where);
			for (int way = 0; way < WAYS; way++)
				if (ways[way].crew.count)
					measure(&ways[way], where);
		}
	for (int way = 0; way < WAYS; way++)
		crew_place(&ways[way].crew, FREE);

	for (int where = FREE; where < PLACES; where++)
		for (int way = 0; way < WAYS; way++) {
			struct samples *samples = &ways[way].results[where];

			if (ways[way].crew.count)
				printf("%s\t%s\t%.0f\t%.3f\n", place_names[where], ways[way].name, BURST * 1e9 / samples_quantile(samples, 0.5),
				       samples->cpu_ns / 1e3 / samples->count / BURST);
		}
	return 0;
}
