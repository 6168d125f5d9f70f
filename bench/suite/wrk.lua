-- Sends whole requests from a file, one after another, round and round; and says at the end what came of it.
--
-- Arguments: the file, and a text that no other run has. Requests stand between lines "--next request--"; in each, "@@serial@@"
-- followed by ten more "@" becomes twenty characters that never come twice, so that no upload shares another's bytes.

local requests, next_request, serial, run = {}, 0, 0, ""
local SEPARATOR, MARK = "\n--next request--\n", "@@serial@@@@@@@@@@@@"

function init(args)
  local file = assert(io.open(args[1], "rb"))
  local all, at = file:read("*a"), 1
  file:close()
  run = args[2]
  while true do
    local from, to = all:find(SEPARATOR, at, true)
    if not from then break end
    local whole = all:sub(at, from - 1)
    local mark, mark_ends = whole:find(MARK, 1, true)
    if mark then
      requests[#requests + 1] = { whole:sub(1, mark - 1), whole:sub(mark_ends + 1) }
    else
      requests[#requests + 1] = whole
    end
    at = to + 1
  end
end

function request()
  next_request = next_request % #requests + 1
  local it = requests[next_request]
  if type(it) == "string" then return it end
  serial = serial + 1
  return it[1] .. string.format("%s%010d", run, serial) .. it[2]
end

function done(summary, latency)
  local e = summary.errors
  print(string.format(
    'JSON {"requests":%d,"seconds":%.6f,"bytes":%d,"not_2xx":%d,"broken":%d,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f}',
    summary.requests, summary.duration / 1e6, summary.bytes, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
