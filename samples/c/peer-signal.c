/* SPDX-License-Identifier: MIT
 *
 * peer ENDPOINT signal TOPIC TEXT, peer ENDPOINT listen [TOPIC...]: tell everybody who wants to know.
 */
#include <stdio.h>
#include <stdlib.h>
#include "peer.h"
#include "topic.h"

/* ---- one side: a message to everybody, with a filter that says what it is about ---- */

static int send_signal(struct connection *connection, const char *topic, const char *content)
{
	struct kdbus_bloom_filter *filter;
	const size_t size = sizeof(*filter) + connection->bloom.size;
	struct frame message;
	char text[TEXT_MAX];

	if (snprintf(text, sizeof(text), "%s: %s", topic, content) >= (int)sizeof(text))
		return -EMSGSIZE;
	filter = calloc(1, size);
	if (!filter)
		return -ENOMEM;
	topic_filter((__u64 *)filter->data, &connection->bloom, topic);

	connection_prepare_message(&message, KDBUS_DST_ID_BROADCAST);
	message.message.flags = KDBUS_MSG_SIGNAL;
	frame_add(&message, KDBUS_ITEM_BLOOM_FILTER, filter, size);
	free(filter);
	return connection_transmit(connection, &message, text, NULL);
}

static int run_signal(const struct verb *verb, const char *endpoint, int argc, char **argv)
{
	struct connection connection;
	int result;

	while (next_option(verb, argc, argv) != -1)
		;
	expect_arguments(verb, argc, 2, 2);
	if (connect_to(&connection, endpoint, "peer-signal") != 0)
		return 1;
	result = send_signal(&connection, argv[optind], argv[optind + 1]);
	connection_close(&connection);
	return result < 0 ? fail(result, KDBUS_CMD_SEND, "send a signal about %s", argv[optind]) : 0;
}

/* ---- the other side: a match with a mask for each topic ---- */

struct listener {
	char **topics;			/* up to a NULL */
	unsigned long long left;	/* signals until the end; 0 = no end */
};

static int add_topic(struct connection *connection, const char *topic)
{
	__u64 *mask = calloc(1, connection->bloom.size);
	int result;

	if (!mask)
		return fail(-ENOMEM, 0, "listen");
	topic_mask(mask, &connection->bloom, topic);
	result = add_match(connection, KDBUS_ITEM_BLOOM_MASK, mask, connection->bloom.size);
	free(mask);
	return result;
}

/* A sender that may be anybody, and nothing else: every signal, but none of the notifications of the bus. */
static int add_everything(struct connection *connection)
{
	const __u64 anybody = KDBUS_MATCH_ID_ANY;

	return add_match(connection, KDBUS_ITEM_ID, &anybody, sizeof(anybody));
}

/* Whether the signal is about one of the topics, and not about one with the same bits. */
static int is_wanted(const struct listener *listener, const char *text)
{
	for (char **topic = listener->topics; *topic; topic++)
		if (topic_is(text, *topic))
			return 1;
	return *listener->topics == NULL;
}

static int take(struct connection *connection, const struct kdbus_msg *message, void *context)
{
	struct listener *listener = context;
	char text[TEXT_MAX];

	(void)connection;
	if (connection_text(message, text, sizeof(text)) < 0 || !(message->flags & KDBUS_MSG_SIGNAL) || !is_wanted(listener, text))
		return 0;
	printf("signal from %llu: ", (unsigned long long)message->src_id);
	print_text(text);
	putchar('\n');
	return listener->left && --listener->left == 0;
}

static int run_listen(const struct verb *verb, const char *endpoint, int argc, char **argv)
{
	struct listener listener = { 0 };
	struct connection connection;
	int result = 0;

	while (next_option(verb, argc, argv) != -1)
		listener.left = read_number(verb, optarg);
	listener.topics = argv + optind;
	if (connect_to(&connection, endpoint, "peer-listen") != 0)
		return 1;
	for (char **topic = listener.topics; *topic && result == 0; topic++)
		result = add_topic(&connection, *topic);
	if (!*listener.topics)
		result = add_everything(&connection);
	if (result == 0) {
		printf("connection %llu listens\n", (unsigned long long)connection.id);
		result = receive_until_end(&connection, take, &listener);
	}
	connection_close(&connection);
	return result;
}

static const struct option listen_options[] = {
	{ "count", required_argument, NULL, 'n' },
	OPTIONS_END
};

const struct verb peer_signal = {
	.name = "signal",
	.arguments = "TOPIC TEXT",
	.help = "tell a text to all who listen for a topic\n"
		"\n"
		"A topic is words with dots between them; a signal about weather.rain is about weather, too.\n",
	.options = no_options,
	.run = run_signal,
};

const struct verb peer_listen = {
	.name = "listen",
	.arguments = "[--count N] [TOPIC...]",
	.help = "print the signals about some topics, or all\n"
		"\n"
		"  --count N  end after N signals\n",
	.options = listen_options,
	.run = run_listen,
};
