/*
 * air - the hostile side of a PC's radios, in the kernel of the stick under attack: software radios (mac80211_hwsim)
 * hear each other, and all but the first are taken away into a namespace of their own before the stick's init runs.
 *
 * A network card whose address begins with 52:54:00:5e:01 goes there too, and is no card of the stick's any more: the
 * one that ends in :01 is the cable behind the access point of wlan1, the one in :02 that behind wlan2's. Without such
 * a card nothing is taken.
 *
 * Everything on the air, as every radio sends it, goes to the host in a pcap file (link type 127, radiotap) through the
 * first port of a virtio console.
 */
#ifndef TESTS_ATTACK_AIR_H
#define TESTS_ATTACK_AIR_H

/* In the first process, before init. */
void air_take(void);

/*
 * One command of the helper's line, in a process of its own. 0 or -errno:
 *   air hostapd N NAME=VALUE;NAME=VALUE...   an access point on wlanN, see hostapd.conf(5)
 *   air stop N                               no more
 *   air monitor N                            make monN, to inject frames by
 *   air inject INTERFACE HEX                 send these bytes there: a frame of Ethernet, or radiotap and 802.11
 *   air answer N [HEX,HEX...]                in hostapd's place, by monN, answer in words of its own (air_answer.h)
 */
int air_obey(const char *command, const char *where, const char *what);

#endif
