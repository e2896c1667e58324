#include "launcher/messages.h"

static const struct {
	const char *code;
	const char *text;
} refusals[REFUSAL_COUNT] = {
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
    [REFUSAL_CHAIN] = {"chain", "the certificate has no chain to the host's anchors"},
    [REFUSAL_NAME] = {"name", "the certificate is for another name"},
    [REFUSAL_DATES] = {"dates", "the certificate is not yet or no longer valid"},
    [REFUSAL_PIN] = {"pin", "the chain is good, but no pin of the policy matches"},
    [REFUSAL_FROZEN] = {"frozen", "tunnel or admission was lost, the session is frozen"},
    [REFUSAL_BAD_QUESTION] = {"bad_question", "a DNS question of the browser's could not be read"},
};

const char *refusal_code(enum refusal refusal)
{
	return refusals[refusal >= 0 && refusal < REFUSAL_COUNT ? refusal : REFUSAL_NONE].code;
}

const char *refusal_text(enum refusal refusal)
{
	return refusals[refusal >= 0 && refusal < REFUSAL_COUNT ? refusal : REFUSAL_NONE].text;
}
