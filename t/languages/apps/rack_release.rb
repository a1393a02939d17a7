# SPDX-License-Identifier: Apache-2.0
# frozen_string_literal: true

# What the middleware makes of one line of a name and of two, under a Rack of the
# release that is said: their classes.
module Rack
  RELEASE = ARGV.fetch(0)
end
require_relative '../helpers/session_ext'

app = lambda do |env|
  env['session_ext.session'].set('short' => 1).append('long', 'x' * 9000)
  [200, {}, []]
end
_, headers, = SessionExt::Middleware.new(app).call({})
puts headers.values_at('session-set', 'session-append').map(&:class).join(' ')
