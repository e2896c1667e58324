#include "whitelist/chain_fault.h"

static const struct {
	const char *code, *text, *ja, *en;
} faults[CHAIN_FAULT_COUNT] = {
    [CHAIN_GOOD] = {"good", "nothing is wrong with the certificates", "", ""},
#define CHAIN_FAULT(name, code, operator, ja, en) [CHAIN_##name] = {code, operator, ja, en},
#include "whitelist/chain.def"
#undef CHAIN_FAULT
};

static enum chain_fault within(enum chain_fault fault)
{
	return fault >= 0 && fault < CHAIN_FAULT_COUNT ? fault : CHAIN_UNREADABLE;
}

const char *chain_fault_code(enum chain_fault fault) { return faults[within(fault)].code; }
const char *chain_fault_text(enum chain_fault fault) { return faults[within(fault)].text; }
const char *chain_fault_customer_ja(enum chain_fault fault) { return faults[within(fault)].ja; }
const char *chain_fault_customer_en(enum chain_fault fault) { return faults[within(fault)].en; }
