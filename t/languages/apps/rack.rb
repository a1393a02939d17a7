#!/usr/bin/ruby
# SPDX-License-Identifier: Apache-2.0
# frozen_string_literal: true

# The app of SxTest::Languages by Rack, in CGI.
require 'rack'

app, = Rack::Builder.parse_file("#{__dir__}/config.ru")
Rack::Handler::CGI.run(app)
