/*
 * air_answer - an access point that begins what it does not end: it answers the authentication and the association of
 * whoever asks for wlanN (IEEE Std 802.11-2020, 9.3.3), and then says nothing, or nonsense in the place of the
 * handshake of the keys. Its beacons, and what a radio acknowledges, are those of a hostapd that stands still.
 */
#ifndef TESTS_ATTACK_AIR_ANSWER_H
#define TESTS_ATTACK_AIR_ANSWER_H

#include <stddef.h>
#include <stdint.h>

/* Hexadecimal up to the first character that is none; how many bytes that was, at most `room`. */
size_t air_bytes(const char *hex, uint8_t *out, size_t room);

/* `monitor`: a packet socket at monN. `bodies`: what is said after each association, one frame of EAPOL after the
 * other, in hexadecimal with commas between. Does not return. */
_Noreturn void air_answer(int monitor, uint8_t number, const char *bodies);

#endif
