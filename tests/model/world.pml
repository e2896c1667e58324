/*
 * What is around the launcher. Every child may say whatever its protocol lets it say, at any moment and as often as it
 * likes, and may die at any moment: a message that lies in a channel for a while is one that is said later. Where the
 * order between a message and its answer matters, the message is kept (to_broker, from_broker, and the flags beside
 * them). Timers may be early against anything.
 *
 * Calm comes at any moment and stays: cable, path and gateway are there, nobody dies and nobody touches the stick. What
 * does not go on then never could: that is how a dead end is seen.
 */

bool calm, wiped;
bit announced; /* calm: the newest policy at the gateway */

bool broker_said, broker_started, broker_frozen;

#define over power_off
/* A timer is late: in calm weather after everything else. */
#define LATE (!calm || timeout)

inline hear()
{
	if
	/* the record: it is read, or it cannot be, or its process ends without a word */
	:: !provisioned && !unusable -> provisioned = true; policy = RUNS
	:: !calm && !provisioned && !unusable -> unusable = true; raise(EVENT_UNUSABLE)

	:: link && (!calm || !link_up) -> link_up = true; raise(EVENT_LINK_UP) /* also: another address */
	:: !calm && link_up -> link_died() /* or the cable is drawn */

	:: phase == TRYING -> phase = STANDING; hear_tunnel_up()
	:: !calm && phase == STANDING -> phase = TRYING; hear_tunnel_down()
	:: !calm && tunnel -> tunnel_died()
	:: renew && phase == STANDING -> renew = false; phase = TRYING; hear_tunnel_down()
	:: renew && phase != STANDING -> renew = false; phase = TRYING

	:: policy == RUNS && !policy_stands -> hear_policy(ours)
	:: !calm && policy == RUNS && !policy_stands && !link -> policy = OFF; unusable = true; raise(EVENT_UNUSABLE)
	:: policy == RUNS && policy_stands && offered -> offered = false; hear_policy(1)
	:: policy == RUNS && policy_stands && offered -> offered = false; hear_policy_refused()

	:: from_broker ? READY -> if :: session -> broker_ready = true; session_progress() :: else fi
	:: from_broker ? FROZEN -> freezing = false

	:: !calm && agent == RUNS -> hear_admission(ADMITTED, 0)
	:: !calm && agent == RUNS -> hear_admission(ADMITTED, 1)
	:: !calm && agent == RUNS -> hear_admission(REFUSED, 0)
	:: !calm && agent == RUNS -> hear_admission(REVOKED, 0)
	:: !calm && agent == RUNS -> hear_admission(WRONG, 0)
	:: agent == RUNS && fetch -> hear_fetched()
	:: agent == RUNS && question -> question = false; gateway_ready = true; session_progress()
	:: !calm && agent == RUNS && question -> question = false; raise(EVENT_SESSION_FAILED)
	:: agent == RUNS && goodbye_asked -> goodbye_said()

	/* the customer types a PIN and the keyholder makes its key, wherever the machine is by then */
	:: pin_asked && !unlocked && state == STATE_UNLOCK -> unlocked = true; raise(EVENT_UNLOCKED)
	:: !calm && wants_pin && !unlocked && state != STATE_UNLOCK -> unlocked = true
	:: !calm && unlocked -> keyholder_died()
	:: !calm && !wants_pin -> wants_pin = true /* a newer policy does */

	/* the customer; the button on the screen */
	:: !calm -> raise(EVENT_BANK_CHOSEN)
	:: !calm -> word = LEFT; raise(EVENT_BANK_CLOSED)
	:: !calm -> raise(EVENT_POWER_OFF)
	:: !calm -> screen_died()

	:: policy == DYING -> policy_died()
	:: broker == DYING && empty(from_broker) -> broker_died()
	:: agent == DYING -> agent_died()

	:: opening && LATE -> opening = false; raise(EVENT_SESSION_FAILED)
	:: freezing && LATE -> freezing = false; raise(EVENT_SESSION_FAILED)
	:: fetching && LATE -> on_fetching()
	:: goodbye && LATE -> goodbye_said()
	:: !calm && lease -> on_lease()
	fi
}

active proctype launcher()
{
	c_code { row_alter(&now.dropped_row, &now.acting_row, &now.leading_row, &now.altered); };
	do
	:: atomic { !over -> hear(); settle() }
	od
}

active proctype deaths()
{
	do
	:: atomic { !calm && !over && policy == RUNS -> policy = DYING; offered = false; session_known = false }
	:: atomic { !calm && !over && broker == RUNS -> broker = DYING; broker_ends() }
	:: atomic { !calm && !over && agent == RUNS -> agent = DYING; fetch = false; question = false; goodbye_asked = false }
	od
}

active proctype broker_process()
{
	byte what;
	do
	:: atomic { !over && broker == RUNS && !broker_said && nfull(from_broker) -> broker_said = true; from_broker ! READY }
	:: atomic { !over && broker == RUNS && nempty(to_broker) && nfull(from_broker) ->
		to_broker ? what;
		if
		:: what == START -> broker_started = true
		:: what == FREEZE -> broker_frozen = true; from_broker ! FROZEN
		:: what == SERVE -> broker_frozen = false
		fi;
		what = 0 }
	/* a byte to the bank, as long as nothing here says no; what the kernel and the gateway say is not relied upon */
	:: atomic { !calm && broker == RUNS && broker_started && !broker_frozen -> claim_byte() }
	/* policy died, or does not know the bank: the session's channel closes, and the broker ends */
	:: atomic { !over && broker == RUNS && !session_known -> broker = DYING; broker_ends() }
	:: atomic { !calm && !over && session_known -> session_known = false }
	od
}

/* The launcher's death, the stick's removal and the PC's own button end in the same place: init asks nobody. */
active proctype init_process()
{
	atomic { power_off -> claim_power_off(); wiped = true }
}

#define nothing_else (timeout && !over && !opening && !freezing && !fetching && !goodbye)

/*
 * Beacons go on for ever, each one the same: after three with nothing else happening, nothing else will. Then the
 * customer goes to a bank and comes back.
 */
active proctype calm_weather()
{
	byte beats;
	atomic { !over -> calm = true; if :: announced = 1 :: announced = ours fi }
	do
	:: atomic { nothing_else && beats < 3 ->
		beats++;
		if :: agent == RUNS && phase == STANDING -> hear_admission(ADMITTED, announced) :: else fi;
		settle() }
	:: atomic { nothing_else && beats == 3 -> claim_no_dead_end(); break }
	od;
	if
	:: atomic { state == STATE_SESSION -> word = LEFT; raise(EVENT_BANK_CLOSED); settle() }
	:: state == STATE_READY
	fi;
	atomic { raise(EVENT_BANK_CHOSEN); settle() };
	atomic { nothing_else -> assert(state == STATE_SESSION && told_page == SERVING); raise(EVENT_POWER_OFF); settle() }
}
