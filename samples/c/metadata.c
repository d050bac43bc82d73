/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "frame.h"
#include "metadata.h"
#include "print.h"

typedef unsigned long long number;

static void print_creds(const struct kdbus_item *item)
{
	const struct kdbus_creds *creds = &item->creds;

	printf("user %llu, effective %llu, saved %llu, file system %llu; group %llu, effective %llu, saved %llu, file system %llu",
	       (number)creds->uid, (number)creds->euid, (number)creds->suid, (number)creds->fsuid,
	       (number)creds->gid, (number)creds->egid, (number)creds->sgid, (number)creds->fsgid);
}

static void print_pids(const struct kdbus_item *item)
{
	printf("process %llu, thread %llu, parent %llu", (number)item->pids.pid, (number)item->pids.tid, (number)item->pids.ppid);
}

static void print_groups(const struct kdbus_item *item)
{
	const size_t count = (item->size - ITEM_HEADER) / sizeof(item->data64[0]);

	for (size_t i = 0; i < count; i++)
		printf(i ? ", %llu" : "%llu", (number)item->data64[i]);
	if (count == 0)
		printf("none");
}

static void print_name(const struct kdbus_item *item)
{
	printf("%s%s", item->name.name, item->name.flags & KDBUS_NAME_ACTIVATOR ? " (as its activator)" : "");
}

static void print_string(const struct kdbus_item *item)
{
	print_text(item->str);
}

static void print_caps(const struct kdbus_item *item)
{
	static const char *const sets[] = { "inheritable", "permitted", "effective", "bounding" };
	const size_t words = item->caps.last_cap / 32 + 1;

	for (size_t set = 0; set < 4; set++) {
		printf("%s%s ", set ? ", " : "", sets[set]);
		/* The words of a set come low first, as nobody writes numbers. */
		for (size_t word = words; word-- > 0;)
			printf("%08x", item->caps.caps[set * words + word]);
	}
	printf(", of %u", item->caps.last_cap + 1);
}

static void print_audit(const struct kdbus_item *item)
{
	if (item->audit.loginuid == (__u32)-1)
		printf("nobody logged in");
	else
		printf("session %u of user %u", item->audit.sessionid, item->audit.loginuid);
}

static void print_timestamp(const struct kdbus_item *item)
{
	printf("message %llu, %llu ns after boot, %llu ns after 1970", (number)item->timestamp.seqnum,
	       (number)item->timestamp.monotonic_ns, (number)item->timestamp.realtime_ns);
}

static void print_number(const struct kdbus_item *item)
{
	printf("%llu", (number)item->data64[0]);
}

static void print_pidfd(const struct kdbus_item *item)
{
	char path[sizeof("/proc/self/fdinfo/") + 10], line[64];
	FILE *info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", item->fds[0]);
	info = fopen(path, "re");
	while (info && fgets(line, sizeof(line), info)) {
		if (strncmp(line, "Pid:", 4) == 0) {
			line[strcspn(line, "\n")] = '\0';
			printf("of process %s", line + strspn(line + 4, "\t ") + 4);
		}
	}
	if (info)
		fclose(info);
	else
		printf("did not come along");
}

static const struct {
	const char *name;
	__u64 kind, item;
	void (*print)(const struct kdbus_item *item);
} kinds[] = {
	{ "creds", KDBUS_ATTACH_CREDS, KDBUS_ITEM_CREDS, print_creds },
	{ "pids", KDBUS_ATTACH_PIDS, KDBUS_ITEM_PIDS, print_pids },
	{ "auxgroups", KDBUS_ATTACH_AUXGROUPS, KDBUS_ITEM_AUXGROUPS, print_groups },
	{ "tid-comm", KDBUS_ATTACH_TID_COMM, KDBUS_ITEM_TID_COMM, print_string },
	{ "pid-comm", KDBUS_ATTACH_PID_COMM, KDBUS_ITEM_PID_COMM, print_string },
	{ "exe", KDBUS_ATTACH_EXE, KDBUS_ITEM_EXE, print_string },
	{ "cmdline", KDBUS_ATTACH_CMDLINE, KDBUS_ITEM_CMDLINE, print_string },
	{ "cgroup", KDBUS_ATTACH_CGROUP, KDBUS_ITEM_CGROUP, print_string },
	{ "caps", KDBUS_ATTACH_CAPS, KDBUS_ITEM_CAPS, print_caps },
	{ "seclabel", KDBUS_ATTACH_SECLABEL, KDBUS_ITEM_SECLABEL, print_string },
	{ "audit", KDBUS_ATTACH_AUDIT, KDBUS_ITEM_AUDIT, print_audit },
	{ "names", KDBUS_ATTACH_NAMES, KDBUS_ITEM_OWNED_NAME, print_name },
	{ "description", KDBUS_ATTACH_CONN_DESCRIPTION, KDBUS_ITEM_CONN_DESCRIPTION, print_string },
	{ "timestamp", KDBUS_ATTACH_TIMESTAMP, KDBUS_ITEM_TIMESTAMP, print_timestamp },
	{ "pidfs-id", KDBUS_ATTACH_PIDFS_ID, KDBUS_ITEM_PIDFS_ID, print_number },
	{ "start-time", KDBUS_ATTACH_START_TIME, KDBUS_ITEM_START_TIME, print_number },
	{ "pidfd", KDBUS_ATTACH_PIDFD, KDBUS_ITEM_PIDFD, print_pidfd },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

__u64 read_kind(const char *name, size_t length)
{
	for (size_t i = 0; i < KINDS; i++)
		if (strlen(kinds[i].name) == length && memcmp(kinds[i].name, name, length) == 0)
			return kinds[i].kind;
	fprintf(stderr, "peer: there is no kind '%.*s'; there are:", (int)length, name);
	for (size_t i = 0; i < KINDS; i++)
		fprintf(stderr, " %s", kinds[i].name);
	fputc('\n', stderr);
	exit(2);
}

void print_metadata(const struct kdbus_item *item)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (kinds[i].item != item->type)
			continue;
		printf("  %-11s  ", kinds[i].name);
		kinds[i].print(item);
		putchar('\n');
	}
}
