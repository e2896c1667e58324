/*
 * processes - the table of everything the launcher starts: where it lives, as whom, with which capabilities, and what
 * its death means. Our own are this program re-executed (children.h); the third party's have rows like ours.
 */
#ifndef LAUNCHER_PROCESSES_H
#define LAUNCHER_PROCESSES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "firmware/lib/sandbox.h"
#include "launcher/foreign.h"

enum stick_process {
	PROCESS_RECORD,
	PROCESS_LINK,
	PROCESS_TUNNEL,
	PROCESS_KEYHOLDER,
	PROCESS_POLICY,
	PROCESS_BROKER,
	PROCESS_AGENT,
	PROCESS_UDEVD,
	PROCESS_SEATD,
	PROCESS_SCREEN, /* cage, which starts the kiosk */
	PROCESS_WIFI,   /* wpa_supplicant, where there is a radio */
	PROCESS_TOKEN,  /* launcher/token, in an image that has it */
	PROCESS_COUNT
};

/* Nowhere is a namespace with nothing in it, not even lo up: for those that read what comes from outside. */
enum stick_namespace { NAMESPACE_UNDERLAY, NAMESPACE_TUNNEL, NAMESPACE_SCREEN, NAMESPACE_NOWHERE, NAMESPACE_COUNT };

/* What is mounted beside the verified volumes, which every process sees and none can write. Its own namespace of mounts
 * has only those of these that its row names. */
enum place {
	PLACE_PROC = 1 << 0,
	PLACE_SYS = 1 << 1,
	PLACE_DEV = 1 << 2,
	PLACE_RUN = 1 << 3,
	PLACE_TMP = 1 << 4, /* /tmp and /dev/shm */
};

struct process_row {
	const char *name;
	const char *const *argv;
	const char *const *envp;
	enum stick_namespace namespace;
	uid_t uid;   /* and gid, the same number, unless there is: */
	gid_t group; /* 0: none */
	uint64_t capabilities;
	unsigned places;          /* enum place */
	const struct self *files; /* NULL, or what a program that is not ours reaches (sandbox_enter_files()) */
	enum foreign foreign;     /* the filter of what is not ours; ours have their own (sandbox.h) */
	bool drops_itself;        /* third party as uid 0: keeps what `capabilities` names, nothing else */
	bool locks;               /* holds secrets: may keep its memory from being paged out */
	bool screen; /* in the screen's share of the memory (ground.h), and the first to end where it is short */
	uint32_t says_most_bytes; /* in one message; 0: one frame */
	bool ready_again;         /* MSG_READY has another meaning later */
	bool restart;             /* started again with back-off; false: its owner decides (record, broker) */
};

const struct process_row *process_row(enum stick_process which);

#endif
