/* SPDX-License-Identifier: MIT */
#include <unistd.h>
#include "dbus-peer.h"
#include "exchange.h"
#include "parties.h"
#include "sockets.h"
#include "ways.h"

enum { BURST_BYTES = 16 << 20, LONGEST_BURST = 250, SHORTEST_BURST = 4 };

/* A client and a service on a bus; of messages that are copied, or of recycled memfds. */
struct on_bus {
	struct peer client, service;
	struct exchange client_exchange, service_exchange;
};

static struct on_bus classic, classic_recycled, exchange, exchange_recycled;
static struct stream direct, relayed;
static struct dbus_peer dbus_clients[KINDS], dbus_services[KINDS];

static void call_exchange(size_t size)
{
	struct on_bus *bus = size > LARGEST_VEC ? &exchange_recycled : &exchange;

	exchange_call(&bus->client_exchange, bus->service.id, size);
}

static void call_classic(size_t size)
{
	struct on_bus *bus = size > LARGEST_VEC ? &classic_recycled : &classic;

	peer_call(&bus->client, bus->service.id, size);
}

static void call_sync(size_t size)
{
	struct on_bus *bus = size > LARGEST_VEC ? &classic_recycled : &classic;

	peer_call_sync(&bus->client, bus->service.id, size);
}

static void call_unix(size_t size) { stream_call(&direct, size); }
static void call_relay(size_t size) { stream_call(&relayed, size); }
static void call_dbus_daemon(size_t size) { dbus_peer_call(&dbus_clients[DBUS_DAEMON], dbus_services[DBUS_DAEMON].dbus.name, size); }
static void call_dbus_broker(size_t size) { dbus_peer_call(&dbus_clients[DBUS_BROKER], dbus_services[DBUS_BROKER].dbus.name, size); }

struct way ways[WAYS] = {
	[EXCHANGE] = { .name = "exchange", .call = call_exchange },
	[CLASSIC] = { .name = "classic", .call = call_classic },
	[SYNC] = { .name = "sync", .call = call_sync },
	[UNIX] = { .name = "unix", .call = call_unix },
	[RELAY] = { .name = "relay", .call = call_relay },
	[BY_DBUS_DAEMON] = { .name = "dbus-daemon", .call = call_dbus_daemon },
	[BY_DBUS_BROKER] = { .name = "dbus-broker", .call = call_dbus_broker },
};

static void serve_classic(void *bus) { peer_serve(&((struct on_bus *)bus)->service); }
static void serve_exchange(void *bus) { exchange_serve(&((struct on_bus *)bus)->service_exchange); }
static void serve_dbus(void *peer) { dbus_peer_serve(peer); }

static void takes_part(unsigned which, int way, pid_t process)
{
	if (which & 1U << way)
		crew_add(&ways[way].crew, process);
}

/* The service connects before the fork: its connection belongs to an open file, which the child inherits. */
static pid_t start_on_bus(struct on_bus *bus, int recycled, void (*serve)(void *bus))
{
	pid_t server;

	peer_open(&bus->service, parties[KDBUSFS].path, POOL_SIZE, recycled ? 0 : LARGEST_VEC);
	peer_open(&bus->client, parties[KDBUSFS].path, POOL_SIZE, recycled ? 0 : LARGEST_VEC);
	if (recycled) {
		peer_recycle(&bus->service);
		peer_recycle(&bus->client);
	}
	exchange_open(&bus->service_exchange, &bus->service);
	exchange_open(&bus->client_exchange, &bus->client);
	server = spawn(serve, bus);
	close(bus->service.fd);
	return server;
}

static void start_kdbusfs(unsigned which)
{
	struct peer asking;
	pid_t server, recycling;

	server = start_on_bus(&classic, 0, serve_classic);
	recycling = start_on_bus(&classic_recycled, 1, serve_classic);
	for (int way = CLASSIC; way <= SYNC; way++) {
		takes_part(which, way, server);
		takes_part(which, way, recycling);
		takes_part(which, way, parties[KDBUSFS].process);
	}

	peer_open(&asking, parties[KDBUSFS].path, 1 << 20, 0);
	if (!exchange_is_known(&asking))
		return;
	takes_part(which, EXCHANGE, start_on_bus(&exchange, 0, serve_exchange));
	takes_part(which, EXCHANGE, start_on_bus(&exchange_recycled, 1, serve_exchange));
	takes_part(which, EXCHANGE, parties[KDBUSFS].process);
}

static void start_dbus(unsigned which, int way, enum kind kind)
{
	if (!parties[kind].path)
		return;
	dbus_peer_open(&dbus_services[kind], parties[kind].path, LARGEST_CALL);
	dbus_peer_open(&dbus_clients[kind], parties[kind].path, LARGEST_CALL);
	takes_part(which, way, spawn(serve_dbus, &dbus_services[kind]));
	close(dbus_services[kind].dbus.fd);
	takes_part(which, way, parties[kind].process);
}

static void start_sockets(unsigned which)
{
	if (which & 1U << UNIX) {
		stream_open(&direct, LARGEST_CALL, 0, stream_echo);
		takes_part(which, UNIX, direct.server);
	}
	if (which & 1U << RELAY) {
		stream_open(&relayed, LARGEST_CALL, 1, stream_echo);
		takes_part(which, RELAY, relayed.server);
		takes_part(which, RELAY, relayed.relay);
	}
}

void ways_start(unsigned which)
{
	start_sockets(which);
	if (parties[KDBUSFS].path)
		start_kdbusfs(which);
	start_dbus(which, BY_DBUS_DAEMON, DBUS_DAEMON);
	start_dbus(which, BY_DBUS_BROKER, DBUS_BROKER);
	for (int way = 0; way < WAYS; way++)
		if (ways[way].crew.count)
			takes_part(which, way, getpid());
}

int way_is_here(int way)
{
	return ways[way].crew.count > 0;
}

void way_burst(int way, struct samples *samples, size_t size)
{
	const size_t fitting = BURST_BYTES / size;
	const size_t calls = fitting > LONGEST_BURST ? LONGEST_BURST : fitting < SHORTEST_BURST ? SHORTEST_BURST : fitting;
	uint64_t cpu, before, after;

	/* Caches, page tables and the scheduler's opinion belong to the way measured before. */
	for (size_t i = 0; i < calls / 8 + 2; i++)
		ways[way].call(size);
	cpu = crew_cpu_ns(&ways[way].crew);
	for (size_t i = 0; i < calls; i++) {
		before = now_ns();
		ways[way].call(size);
		after = now_ns();
		samples_add(samples, after - before);
	}
	samples->cpu_ns += crew_cpu_ns(&ways[way].crew) - cpu;
}
