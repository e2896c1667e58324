# What both ends of an admission share; the PIN's half is linked only where a PIN is typed or a letter made.
$(call library,vpn_admission,vpn/admission/statement.c vpn/admission/pin.c vpn/admission/reasons.c)
