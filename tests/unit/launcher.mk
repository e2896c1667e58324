$(call unit,states,tests/unit/states.c,launcher,)
$(call unit,rtnl,tests/unit/rtnl.c,vpn_device firmware,)
$(call unit,failover,tests/unit/failover.c,vpn_device,)
$(call unit,supervise,tests/unit/supervise.c,launcher,)
