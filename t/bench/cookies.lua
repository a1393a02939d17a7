-- SPDX-License-Identifier: Apache-2.0
-- wrk -s cookies.lua URL -- PATH COOKIE_FILE: each request takes the next line
-- of the file as its Cookie header, an empty line is none.  Requests are put
-- together beforehand, so that every case costs the client the same.
local requests, at = {}, 0

function init(args)
  for cookie in io.lines(args[2]) do
    local headers = { Host = "localhost" }
    if cookie ~= "" then headers["Cookie"] = cookie end
    requests[#requests + 1] = wrk.format("GET", args[1], headers)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d\n", summary.requests,
    summary.duration, e.connect + e.read + e.write + e.status + e.timeout))
end
