-- Says of each connection to a bank that it is open, and from where: the bank may ask who that was (see connection.h).
-- It is called at the bank's first bytes, which is before the bank has heard more than a ClientHello. The connection's
-- end is in haproxy's own log line.

local started <const> = core.now()
local BORN <const> = started.sec * 1000000 + started.usec

core.register_action("opened", {"tcp-res"}, function(txn)
  local now, f = core.now(), txn.f
  txn:log(core.info, string.format("open %d %d %s %s:%d %s:%d %s", BORN, now.sec * 1000 + now.usec // 1000, f:src(), f:bc_src(),
    f:bc_src_port(), f:bc_dst(), f:bc_dst_port(), f:be_name()))
end)
