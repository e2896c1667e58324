-- What haproxy's own reading of a ClientHello passes over: haproxy takes the first name it finds, and does not say
-- whether there is a second one, or one that only the server can read. Both would let a shared address show a neighbour.
-- RFC 8446 4.1.2 and 4.2 (ClientHello, extensions), RFC 6066 3 (server_name).
--
-- lua.hello gives "good", or in one word why not; it is asked only when haproxy has seen a whole ClientHello.

local SERVER_NAME <const>, HOST_NAME <const> = 0, 0
local VERSIONS <const>, KEY_SHARE <const>, TLS13 <const> = 43, 51, 0x0304
-- x25519 and secp256r1, which servers have
local USUAL <const> = {[29] = true, [23] = true}
-- encrypted_client_hello, and encrypted_server_name of its drafts
local HIDDEN <const> = {[0xfe0d] = true, [0xffce] = true}

local function u16(data, at) return data:byte(at) * 256 + data:byte(at + 1) end

-- The end of a field of `size` bytes of length at `at`, and where its content begins; nil if it leaves `stop`.
local function field(data, at, size, stop)
  if at + size > stop + 1 then return nil end
  local length = 0
  for i = 0, size - 1 do length = length * 256 + data:byte(at + i) end
  local first = at + size
  if first + length > stop + 1 then return nil end
  return first + length - 1, first
end

-- One entry, a host name, and nothing behind it.
local function judge_names(data, first, last)
  local stop, at = field(data, first, 2, last)
  if not stop or stop ~= last or at > stop then return "malformed" end
  if data:byte(at) ~= HOST_NAME then return "no_name" end
  local name_end, name = field(data, at + 1, 2, stop)
  if not name_end or name_end < name then return "malformed" end
  -- haproxy's map ends a key at a NUL, and a name is letters: nothing else reaches the map
  if not data:sub(name, name_end):find("^[0-9A-Za-z_][0-9A-Za-z._-]*$") then return "malformed" end
  return name_end == stop and "good" or "second_name"
end

-- A server that gets no share it can use asks for a second ClientHello (RFC 8446 4.1.4), which nobody here sees and
-- which could have another name. Who offers TLS 1.3 brings a share that servers can use, so that none is asked for.
local function brings_share(data, seen, ends)
  if not seen[VERSIONS] then return true end
  local stop, at = field(data, seen[VERSIONS], 1, ends[VERSIONS])
  local offered = not stop
  while stop and at + 1 <= stop do
    offered = offered or u16(data, at) == TLS13
    at = at + 2
  end
  if not offered then return true end
  if not seen[KEY_SHARE] then return false end
  stop, at = field(data, seen[KEY_SHARE], 2, ends[KEY_SHARE])
  while stop and at + 3 <= stop do
    local last, first = field(data, at + 2, 2, stop)
    if not last then return false end
    if USUAL[u16(data, at)] and last >= first then return true end
    at = last + 1
  end
  return false
end

local function judge_extensions(data, at, stop)
  local seen, ends, verdict = {}, {}, "no_name"
  while at <= stop do
    if at + 3 > stop then return "malformed" end
    local kind = u16(data, at)
    local last, first = field(data, at + 2, 2, stop)
    if not last then return "malformed" end
    if HIDDEN[kind] then return "ech" end
    if seen[kind] then return kind == SERVER_NAME and "second_name" or "malformed" end
    seen[kind], ends[kind] = first, last
    if kind == SERVER_NAME then
      verdict = judge_names(data, first, last)
      if verdict ~= "good" then return verdict end
    end
    at = last + 1
  end
  if verdict == "good" and not brings_share(data, seen, ends) then return "malformed" end
  return verdict
end

local function judge(data)
  if #data < 5 or data:byte(1) ~= 22 then return "malformed" end
  local record_end, at = field(data, 4, 2, #data)
  -- the whole message in one record, which is what haproxy reads, and nothing behind it: the client has to wait
  if not record_end or record_end ~= #data or at + 3 > record_end or data:byte(at) ~= 1 then return "malformed" end
  local stop, body = field(data, at + 1, 3, record_end)
  if not stop or stop ~= record_end or body + 33 > stop then return "malformed" end
  local last = field(data, body + 34, 1, stop) -- version, random, session id
  last = last and field(data, last + 1, 2, stop) -- cipher suites
  last = last and field(data, last + 1, 1, stop) -- compression methods
  if not last then return "malformed" end
  if last == stop then return "no_name" end
  local end_of_all, first = field(data, last + 1, 2, stop)
  if not end_of_all or end_of_all ~= stop then return "malformed" end
  return judge_extensions(data, first, stop)
end

if core then
  core.register_fetches("hello", function(txn)
    local data = txn.f:req_payload(0, 0)
    return data and judge(data) or "malformed"
  end)
else
  return judge -- for a test that reads this file by itself
end
