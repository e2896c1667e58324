$(call fuzz,netlink,launcher/link_view.c,)
