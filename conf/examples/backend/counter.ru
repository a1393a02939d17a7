# SPDX-License-Identifier: Apache-2.0
# rackup -o 127.0.0.1 -p 3000 counter.ru
require_relative '../helpers/session_ext'

use SessionExt::Middleware
run(lambda do |env|
  before = env['session_ext.session']['visits'] || 0
  env['session_ext.session'].incr('visits')
  [200, { 'content-type' => 'text/plain' },
   ["Visits before this one: #{before}\n"]]
end)
