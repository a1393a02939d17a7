-- SPDX-License-Identifier: Apache-2.0
require 'apache2'

function handle(r)
    local before = r.subprocess_env['SESSION_VAR_visits'] or '0'

    r.headers_out['Session-Incr'] = 'visits=1'
    r.content_type = 'text/plain'
    r:puts('Visits before this one: ', before, '\n')
    return apache2.OK
end
