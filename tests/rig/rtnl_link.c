/*
 * For tests/rig/stick on a machine whose kernel has no dummy interfaces: one end of a veth pair is as good a place for
 * an address that leads nowhere. The launcher is linked with --wrap=rtnl_link_add.
 */
#include <string.h>

#include "vpn/device/rtnl.h"

int __real_rtnl_link_add(const char *name, const char *kind);
int __wrap_rtnl_link_add(const char *name, const char *kind);

int __wrap_rtnl_link_add(const char *name, const char *kind)
{
	return __real_rtnl_link_add(name, strcmp(kind, "dummy") == 0 ? "veth" : kind);
}
