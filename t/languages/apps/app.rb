#!/usr/bin/ruby --disable-gems
# SPDX-License-Identifier: Apache-2.0
# frozen_string_literal: true

# The app of SxTest::Languages in Ruby, as CGI.
require_relative 'orders'

session = SessionExt::Session.new
text = obey(session, $stdin.read)
print session, "Content-Type: text/plain\r\n\r\n", text
