# SPDX-License-Identifier: Apache-2.0
# The app of SxTest::Languages by Rack.
require_relative 'orders'

use SessionExt::Middleware
use Rack::Lint
run(lambda do |env|
  text = obey(env['session_ext.session'], env['rack.input'].read)
  [200, { 'Content-Type' => 'text/plain' }, [text]]
end)
