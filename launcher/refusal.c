#include "launcher/messages.h"

static const struct {
	const char *code;
	const char *text;
} refusals[REFUSAL_COUNT] = {
    /* of certificates: whitelist/chain.def */
    [REFUSAL_NONE] = {"none", "not refused"},
    [REFUSAL_NOT_LISTED] = {"not_listed", "the host is not in this bank's list"},
    [REFUSAL_PORT] = {"port", "the host is in the bank's list, the port is not"},
    [REFUSAL_EXPIRED_POLICY] = {"expired_policy", "the policy has expired"},
    [REFUSAL_NO_SESSION] = {"no_session", "there is no session of this bank"},
    [REFUSAL_IP_LITERAL] = {"ip_literal", "the host is an address, not a name"},
    [REFUSAL_BAD_HELLO] = {"bad_hello", "no ClientHello with exactly one server name came"},
    [REFUSAL_NO_ADDRESS] = {"no_address", "the resolver in the tunnel has no address for the host"},
    [REFUSAL_UNREACHABLE] = {"unreachable", "no TCP connection to the host"},
    [REFUSAL_TIMEOUT] = {"timeout", "the host accepted a connection and then did not answer"},
    [REFUSAL_TLS] = {"tls", "the TLS handshake with the host failed"},
    [REFUSAL_FROZEN] = {"frozen", "tunnel or admission was lost, the session is frozen"},
    [REFUSAL_BAD_QUESTION] = {"bad_question", "a DNS question of the browser's could not be read"},
};

_Static_assert((int)REFUSAL_PIN - (int)REFUSAL_CHAIN == (int)CHAIN_PIN - (int)CHAIN_CHAIN, "the same order");

enum refusal refusal_of_chain(enum chain_fault fault)
{
	if (fault == CHAIN_GOOD)
		return REFUSAL_NONE;
	return (enum refusal)(fault <= CHAIN_PIN ? REFUSAL_CHAIN + (fault - CHAIN_CHAIN)
						 : REFUSAL_REVOKED + (fault - CHAIN_REVOKED));
}

enum chain_fault refusal_chain(enum refusal refusal)
{
	if (refusal >= REFUSAL_CHAIN && refusal <= REFUSAL_PIN)
		return (enum chain_fault)(CHAIN_CHAIN + (refusal - REFUSAL_CHAIN));
	if (refusal >= REFUSAL_REVOKED && refusal < REFUSAL_COUNT)
		return (enum chain_fault)(CHAIN_REVOKED + (refusal - REFUSAL_REVOKED));
	return CHAIN_GOOD;
}

static enum refusal within(enum refusal refusal)
{
	return refusal >= 0 && refusal < REFUSAL_COUNT ? refusal : REFUSAL_NONE;
}

const char *refusal_code(enum refusal refusal)
{
	enum chain_fault fault = refusal_chain(refusal);
	return fault ? chain_fault_code(fault) : refusals[within(refusal)].code;
}

const char *refusal_text(enum refusal refusal)
{
	enum chain_fault fault = refusal_chain(refusal);
	return fault ? chain_fault_text(fault) : refusals[within(refusal)].text;
}
