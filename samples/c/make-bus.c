/* SPDX-License-Identifier: MIT
 *
 * make-bus [-g] [-w] DOMAIN NAME: makes the bus <euid>-NAME in a domain and keeps it until a signal ends this program.
 *
 * A bus is as old as the open file that made it, so somebody has to hold that file. -g lets the group, -w everybody connect.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <kdbus.h>

#define ALIGN8(n) (((n) + 7) & ~(__u64)7)

static int make_bus(int control, const char *name, __u64 flags)
{
	struct {
		struct kdbus_cmd command;
		__u64 bloom_size, bloom_type;
		struct kdbus_bloom_parameter bloom;
		__u64 name_size, name_type;
		char name[128];
	} make = {
		.command.flags = flags,
		.bloom_size = 16 + sizeof(make.bloom),
		.bloom_type = KDBUS_ITEM_BLOOM_PARAMETER,
		.bloom = { .size = 64, .n_hash = 1 },
		.name_size = 16 + strlen(name) + 1,
		.name_type = KDBUS_ITEM_MAKE_NAME,
	};

	strcpy(make.name, name);
	make.command.size = offsetof(__typeof__(make), name_size) + ALIGN8(make.name_size);
	return ioctl(control, KDBUS_CMD_BUS_MAKE, &make) < 0 ? -errno : 0;
}

int main(int argc, char **argv)
{
	char path[4096], name[128];
	sigset_t ends;
	__u64 flags = 0;
	int option, control, result, signal_number;

	while ((option = getopt(argc, argv, "gw")) != -1) {
		if (option == '?')
			argc = 0;
		flags |= option == 'w' ? KDBUS_MAKE_ACCESS_WORLD : KDBUS_MAKE_ACCESS_GROUP;
	}
	if (argc - optind != 2) {
		fprintf(stderr, "usage: make-bus [-g] [-w] DOMAIN NAME\n");
		return 2;
	}
	if (snprintf(path, sizeof(path), "%s/control", argv[optind]) >= (int)sizeof(path) ||
	    snprintf(name, sizeof(name), "%u-%s", geteuid(), argv[optind + 1]) >= (int)sizeof(name)) {
		fprintf(stderr, "make-bus: %s\n", strerror(ENAMETOOLONG));
		return 1;
	}

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, NULL);

	control = open(path, O_RDWR | O_CLOEXEC);
	if (control < 0) {
		fprintf(stderr, "make-bus: %s: %s\n", path, strerror(errno));
		return 1;
	}
	result = make_bus(control, name, flags);
	if (result < 0) {
		fprintf(stderr, "make-bus: %s in %s: %s\n", name, argv[optind], strerror(-result));
		return 1;
	}
	printf("%s/%s/bus\n", argv[optind], name);
	fflush(stdout);
	sigwait(&ends, &signal_number);
	return 0;
}
