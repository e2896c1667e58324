/* What must hold: invariants 1 and 8 of the design, and that the machine never gets stuck. */

#define walls_stand (link_up && tunnel_up && time_confirmed && lease && policy_stands)

/*
 * After every single event: whoever carries bytes does so for an open session behind walls that all stand. So the
 * order that stops them is given in the very step in which a loss becomes known, before anything else is looked at.
 */
inline claim_walls()
{
	assert(told_broker != SERVING ||
	       (session && !thawing && (held -> state == STATE_READY : state == STATE_SESSION) && walls_stand));
	assert(told_page != SERVING || told_broker == SERVING || told_broker == NOTHING)
}

/* When all events of a message are taken. */
inline claim_rest()
{
	assert(told_page != SERVING || (state == STATE_SESSION && told_broker == SERVING));
	assert(told_page != STOPPED || (held && state != STATE_READY) || thawing);
	assert((broker != OFF) == session || broker == DYING);
	assert((told_broker != NOTHING) == session);
	assert(session == (held || state == STATE_SESSION));
	assert(!held || state == STATE_READY || (told_broker == STOPPED && STATE_LINK <= state && state <= STATE_ADMITTED));
	assert(!held || state != STATE_READY || opening);
	assert(!session || (word != LEFT && word != REVOKED)); /* who has left, or may not be here, has no session */
	assert(state != STATE_END || goodbye || power_off)
}

/* A byte moves only under an order that stands, or while the order that ends it is on its way. */
inline claim_byte() { assert(told_broker == SERVING || (told_broker == STOPPED && nempty(to_broker))) }

/* Whatever ends the stick has ended the session first, and init wipes. */
inline claim_power_off() { assert(state == STATE_END && !session && broker == OFF) }

/* With cable, path and gateway there, everything that is not there yet is the customer's or the provisioner's to do. */
inline claim_no_dead_end()
{
	assert(state == STATE_READY || (state == STATE_SESSION && !thawing) || (state == STATE_UNLOCK && pin_asked) ||
	       (state == STATE_START && unusable));
	/* and a newer policy is taken, or was refused */
	assert((state != STATE_READY && state != STATE_SESSION) || announced <= ours || passed_over == 1)
}
