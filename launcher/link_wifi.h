/*
 * link_wifi - link's side of the talk with wpa_supplicant: one command after the other over its global control
 * interface, and what follows from the events. No socket and no clock here: the owner sends and receives datagrams.
 *
 * What is asked of wpa_supplicant is what is said here and nothing else: there is no configuration file. Only networks
 * that the customer chose are joined, each by its name and by no less protection than it had then; with protected
 * management frames where the network can, and always with WPA3. Until it has joined one, the card speaks under an
 * address made up for each search, and asks for no network by name.
 */
#ifndef LAUNCHER_LINK_WIFI_H
#define LAUNCHER_LINK_WIFI_H

#include <stdbool.h>
#include <stddef.h>

#include "launcher/wifi.h"

/* Where link hears wpa_supplicant's answers: an abstract Unix datagram address of the underlay's namespace. */
#define LINK_WIFI_ADDRESS "sekisho-wifi"

/* wpa_supplicant's global control socket; only its own uid and link's group reach the folder. */
#define LINK_WIFI_FOLDER "/run/wifi"
#define LINK_WIFI_SOCKET "/run/wifi/control"

enum {
	LINK_WIFI_COMMAND_BYTES = 256,
	LINK_WIFI_ANSWER_BYTES = 16384,
	LINK_WIFI_QUEUE_MAX = 192,
	LINK_WIFI_SLOTS = WIFI_KEPT_MAX + 1, /* the kept ones, and the one that is being joined for the first time */
};

/* What stands in the queue. */
struct wifi_order {
	unsigned char command, slot, field;
};

struct wifi_client {
	/* The owner's. send: one datagram to wpa_supplicant; 0 or -errno. changed: `report` is another one. */
	int (*send)(void *context, const char *text, size_t size);
	void (*changed)(void *context);
	void *context;

	struct wifi_report report;

	/* the client's own */
	char interface[16]; /* "": no radio */
	bool running;       /* wpa_supplicant is there and has answered */
	bool waiting;       /* for the answer to the first of the queue */
	bool held;          /* a cable is in: no network is wanted */
	bool looking;       /* the customer looks at the list */
	struct wifi_order queue[LINK_WIFI_QUEUE_MAX];
	size_t queued;
	struct wifi_kept kept;
	struct wifi_credential wanted; /* the customer's choice, until it is joined; ssid.size 0: none */
	int ids[LINK_WIFI_SLOTS];      /* wpa_supplicant's number of each; -1 */
	unsigned misses, silent_ticks, rest_ticks, joining_ticks;
};

/* The PC has this radio ("": none any more). Until wifi_client_begin() nothing is asked. */
void wifi_client_radio(struct wifi_client *client, const char *interface);

/* wpa_supplicant was started anew, and these are the networks that are kept. */
void wifi_client_begin(struct wifi_client *client, const struct wifi_kept *kept);

/* A cable is in, or is not: with one, Wi-Fi is left alone. */
void wifi_client_hold(struct wifi_client *client, bool held);

/* The customer looks at the list, or no more. While he does wifi_client_tick() searches again. */
void wifi_client_look(struct wifi_client *client, bool looking);

/* The customer's choice. It is joined alone; where that fails the kept ones are tried again. */
void wifi_client_join(struct wifi_client *client, const struct wifi_credential *credential);

/* A datagram of wpa_supplicant's, with a NUL after it. */
void wifi_client_take(struct wifi_client *client, const char *text);

/* Every LINK_WIFI_TICK_MS: the list is searched again; where wpa_supplicant has been silent for long, all is asked
 * anew, and where it has given a kept network up for a while, that network. A choice that has come to no end in a
 * minute is given up. */
enum { LINK_WIFI_TICK_MS = 5000, LINK_WIFI_RETRY_MS = 250 };
void wifi_client_tick(struct wifi_client *client);

/* wpa_supplicant does not listen yet: the owner calls wifi_client_tick() after LINK_WIFI_RETRY_MS already. */
bool wifi_client_unheard(const struct wifi_client *client);

/* The command at the head of the queue as text with its NUL. For tests too. */
size_t wifi_client_command(const struct wifi_client *client, const struct wifi_order *order, char *out);

#endif
