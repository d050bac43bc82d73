/* SPDX-License-Identifier: MIT
 *
 * broadcast [-r ROUNDS] KIND:PID:PATH...: how many signals of 64 bytes a second arrive, counted at all receivers together.
 *
 * The receivers of a way are the connections of one process, which waits for all of them with epoll and reads from each as much as it can at
 * once. They confirm a batch when each of them has all of it, through a pipe, and no more than two batches are on their way: so nothing is lost,
 * and everybody stays below what a queue of a bus takes. Round after round each way in turns, to 1 to 500 receivers, every process where the
 * scheduler likes and all on one CPU. Prints a line for each, separated by tabs: place, receivers, way, deliveries a second in the median burst,
 * CPU time of all processes together in microseconds a delivery.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "dbus-peer.h"
#include "exchange.h"
#include "harness.h"
#include "parties.h"
#include "topics.h"

enum { SIZE = 64, BATCH = 64, SHORTEST = 2, MOST = 500, EVENTS = 64 };

#define RULE "type='signal',interface='org.example.Bench'"

static const int audiences[] = { 1, 10, 100, MOST };
static const int batches[] = { 64, 13, 4, SHORTEST };	/* of a burst; some thousand deliveries, but to the most receivers */

enum { AUDIENCES = sizeof(audiences) / sizeof(audiences[0]) };

enum { EXCHANGE, CLASSIC, BY_DBUS_DAEMON, BY_DBUS_BROKER, WAYS };

struct receiver {
	struct peer peer;
	struct dbus dbus;
	int signals;			/* received in this burst */
};

/* What both processes of a way know: the pipes between them are commands (how many are to listen) and confirmations. */
static struct way {
	const char *name;
	enum kind kind;
	int to_receivers[2], from_receivers[2];
	struct peer peer;
	struct exchange exchange;
	struct dbus_peer dbus;
	struct crew crew;		/* nobody: it is not here */
	struct samples results[PLACES][AUDIENCES];
} ways[WAYS] = {
	[EXCHANGE] = { .name = "exchange", .kind = KDBUSFS },
	[CLASSIC] = { .name = "classic", .kind = KDBUSFS },
	[BY_DBUS_DAEMON] = { .name = "dbus-daemon", .kind = DBUS_DAEMON },
	[BY_DBUS_BROKER] = { .name = "dbus-broker", .kind = DBUS_BROKER },
};

/* ---- receivers ---- */

static struct receiver receivers[MOST];
static struct exchange receiving;	/* one after the other uses it */
static int waiting;

static void got_signal(struct receiver *receiver, size_t size)
{
	if (size != SIZE)
		die("the wrong signal arrived", 0);
	receiver->signals++;
}

static void drain_exchange(struct receiver *receiver)
{
	const struct kdbus_msg *message;

	exchange_open(&receiving, &receiver->peer);
	exchange_begin(&receiving, KDBUS_EXCHANGE_RECV, 0);
	exchange_do(&receiving, EXCHANGE_ROOM);
	while ((message = exchange_next(&receiving)))
		got_signal(receiver, peer_check(&receiver->peer, message));
	if (receiving.kept != KDBUS_OFFSET_INLINE)
		die("a signal came through the pool", 0);
}

static void drain_classic(struct receiver *receiver)
{
	uint64_t offset;
	const struct kdbus_msg *message = peer_receive(&receiver->peer, &offset);

	got_signal(receiver, peer_check(&receiver->peer, message));
	peer_free(&receiver->peer, offset);
}

static void drain_dbus(struct receiver *receiver)
{
	struct dbus_message message;

	dbus_fill(&receiver->dbus);
	while (dbus_take(&receiver->dbus, &message))
		/* The broker has signals of its own, of names. */
		if (message.type == DBUS_SIGNAL && message.sender[0] == ':')
			got_signal(receiver, dbus_peer_check(&message));
}

static void connect_receiver(const struct way *way, struct receiver *receiver)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = receiver };
	const char *path = parties[way->kind].path;

	if (way->kind == KDBUSFS)
		peer_open(&receiver->peer, path, 1 << 20, SIZE);
	else
		dbus_open(&receiver->dbus, path);
	if (epoll_ctl(waiting, EPOLL_CTL_ADD, way->kind == KDBUSFS ? receiver->peer.fd : receiver->dbus.fd, &event) < 0)
		die("epoll_ctl", errno);
}

static void listen_or_not(const struct way *way, struct receiver *receiver, int listen)
{
	if (way->kind != KDBUSFS)
		dbus_ask(&receiver->dbus, listen ? "AddMatch" : "RemoveMatch", RULE, 0);
	else if (listen)
		topic_listen(&receiver->peer, way - ways);
	else
		topic_ignore(&receiver->peer, way - ways);
}

/* Receives what a burst brings; confirms each batch when everybody has it. */
static void receive_burst(struct way *way, int audience, int signals)
{
	void (*const drain)(struct receiver *) = way == &ways[EXCHANGE] ? drain_exchange : way->kind == KDBUSFS ? drain_classic : drain_dbus;
	struct epoll_event events[EVENTS];
	int complete[64] = { 0 };	/* receivers that have a batch */

	for (int i = 0; i < audience; i++)
		receivers[i].signals = 0;
	for (int confirmed = 0; confirmed < signals / BATCH;) {
		const int count = epoll_wait(waiting, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			struct receiver *receiver = events[i].data.ptr;
			const int before = receiver->signals / BATCH;

			drain(receiver);
			for (int batch = before; batch < receiver->signals / BATCH; batch++)
				complete[batch]++;
		}
		for (; confirmed < signals / BATCH && complete[confirmed] == audience; confirmed++)
			write_all(way->from_receivers[1], &(int){ confirmed }, sizeof(int));
	}
}

static void receive(void *argument)
{
	struct way *way = argument;
	int order[2], listening = 0;	/* so many are to listen, to so many signals; 0: to listen only */

	raise_files();
	waiting = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < MOST; i++)
		connect_receiver(way, &receivers[i]);
	for (;;) {
		read_all(way->to_receivers[0], order, sizeof(order));
		for (; listening < order[0]; listening++)
			listen_or_not(way, &receivers[listening], 1);
		for (; listening > order[0]; listening--)
			listen_or_not(way, &receivers[listening - 1], 0);
		write_all(way->from_receivers[1], &listening, sizeof(listening));
		receive_burst(way, listening, order[1]);
	}
}

/* ---- the sender ---- */

struct filter {
	uint64_t size, type, generation;
	unsigned char bits[BLOOM_SIZE];
};

static struct filter filter_of(const struct way *way)
{
	struct filter filter = { .size = sizeof(filter), .type = KDBUS_ITEM_BLOOM_FILTER };

	topic_add(filter.bits, way - ways);
	return filter;
}

static const struct kdbus_msg to_all = { .flags = KDBUS_MSG_SIGNAL, .dst_id = KDBUS_DST_ID_BROADCAST };

static void say_exchange(struct way *way)
{
	const struct filter filter = filter_of(way);

	exchange_begin(&way->exchange, 0, 0);
	for (int i = 0; i < BATCH; i++)
		if (!exchange_add(&way->exchange, to_all, SIZE, (const struct kdbus_item *)&filter))
			die("a batch does not fit into EXCHANGE", 0);
	exchange_do(&way->exchange, 0);
}

static void say_classic(struct way *way)
{
	struct {
		struct kdbus_msg header;
		uint64_t size, type;
		struct kdbus_vec vec;
		struct filter filter;
	} message = {
		.header = to_all,
		.size = offsetof(struct kdbus_item, data) + sizeof(message.vec),
		.type = KDBUS_ITEM_PAYLOAD_VEC,
		.vec = { .size = SIZE, .address = (uintptr_t)way->peer.payload },
		.filter = filter_of(way),
	};
	struct kdbus_cmd_send send = { .size = sizeof(send), .msg_address = (uintptr_t)&message };

	message.header.size = sizeof(message);
	message.header.payload_type = KDBUS_PAYLOAD_DBUS;
	payload_set(way->peer.payload, SIZE);
	for (int i = 0; i < BATCH; i++)
		peer_command(&way->peer, KDBUS_CMD_SEND, &send, "SEND");
}

static void say_dbus(struct way *way)
{
	unsigned char bytes[BATCH * (DBUS_MOST_HEADER / 4 + SIZE)];
	const struct dbus_header header = {
		.type = DBUS_SIGNAL,
		.flags = DBUS_NO_REPLY,
		.path = "/bench",
		.interface = "org.example.Bench",
		.member = "Said",
	};
	size_t end = 0;

	for (int i = 0; i < BATCH; i++)
		end += dbus_peer_put(&way->dbus, bytes + end, header, SIZE);
	dbus_send(&way->dbus.dbus, bytes, end, NULL, 0);
}

static void order(struct way *way, int audience, int signals)
{
	int done;

	write_all(way->to_receivers[1], (int[]){ audience, signals }, 2 * sizeof(int));
	read_all(way->from_receivers[0], &done, sizeof(done));
}

static void burst(struct way *way, int audience, int count)
{
	void (*const say)(struct way *) = way == &ways[EXCHANGE] ? say_exchange : way->kind == KDBUSFS ? say_classic : say_dbus;
	int confirmed;

	order(way, audience, count * BATCH);
	for (int said = 0, received = 0; received < count; received++) {
		for (; said < count && said < received + 2; said++)
			say(way);
		read_all(way->from_receivers[0], &confirmed, sizeof(confirmed));
	}
}

/* The classic way takes so long that less of it is as exact, and its first batch does not matter. */
static int batches_of(const struct way *way, int step)
{
	return way == &ways[CLASSIC] ? (batches[step] + 3) / 4 : batches[step];
}

static void measure(struct way *way, int where, int step)
{
	struct samples *samples = &way->results[where][step];
	uint64_t cpu, start;

	if (way != &ways[CLASSIC])
		burst(way, audiences[step], 1);
	cpu = crew_cpu_ns(&way->crew);
	start = now_ns();
	burst(way, audiences[step], batches_of(way, step));
	samples_add(samples, now_ns() - start);
	samples->cpu_ns += crew_cpu_ns(&way->crew) - cpu;
}

static int knows_exchange(void)
{
	struct peer peer;
	int known;

	peer_open(&peer, parties[KDBUSFS].path, 1 << 20, 0);
	known = exchange_is_known(&peer);
	close(peer.fd);
	return known;
}

static void start(struct way *way)
{
	const char *path = parties[way->kind].path;

	if (!path || (way == &ways[EXCHANGE] && !knows_exchange()))
		return;
	if (pipe(way->to_receivers) < 0 || pipe(way->from_receivers) < 0)
		die("pipe", errno);
	crew_add(&way->crew, spawn(receive, way));
	crew_add(&way->crew, parties[way->kind].process);
	crew_add(&way->crew, getpid());
	if (way->kind == KDBUSFS) {
		peer_open(&way->peer, path, 1 << 20, SIZE);
		exchange_open(&way->exchange, &way->peer);
	} else {
		dbus_peer_open(&way->dbus, path, SIZE);
	}
}

int main(int argc, char **argv)
{
	const int rounds = parties_read(argc, argv);

	places_find();
	for (int way = 0; way < WAYS; way++)
		start(&ways[way]);
	for (int round = 0; round < rounds; round++)
		for (int where = FREE; where < PLACES; where++) {
			for (int way = 0; way < WAYS; way++)
				crew_place(&ways[way].crew, where);
			for (int step = 0; step < AUDIENCES; step++)
				for (int way = 0; way < WAYS; way++)
					if (ways[way].crew.count)
						measure(&ways[way], where, step);
		}
	for (int way = 0; way < WAYS; way++)
		crew_place(&ways[way].crew, FREE);

	for (int where = FREE; where < PLACES; where++)
		for (int step = 0; step < AUDIENCES; step++)
			for (int way = 0; way < WAYS; way++) {
				struct samples *samples = &ways[way].results[where][step];
				const double deliveries = (double)batches_of(&ways[way], step) * BATCH * audiences[step];

				if (ways[way].crew.count)
					printf("%s\t%d\t%s\t%.0f\t%.3f\n", place_names[where], audiences[step], ways[way].name,
					       deliveries * 1e9 / samples_quantile(samples, 0.5), samples->cpu_ns / 1e3 / samples->count / deliveries);
			}
	return 0;
}
