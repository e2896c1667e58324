# The process that has a PKCS#11 module in it; not static, because the module is loaded. Its header alone is p11-kit's.
$(call program,token,launcher/token/main.c launcher/token/card.c,foreign firmware,-lseccomp)
CFLAGS_of_launcher/token/card.c := -isystem /usr/include/p11-kit-1
