# SPDX-License-Identifier: Apache-2.0
# frozen_string_literal: true

# What the apps of SxTest::Languages in Ruby do.
require 'uri'
require_relative '../helpers/session_ext'

def encode(text) = URI.encode_www_form_component(text.to_s.b)

def read(session, order, word)
  case order
  when 'tell'
    %i[status version user handle].map { |f| "#{f} #{encode(session.send(f))}" }
  when 'get'
    [session[word] ? "value #{encode(session[word])}" : 'none']
  else
    session.messages.filter_map { |l, t| "message #{encode(t)}" if l == word }
  end
end

def ask(session, order, words)
  case order
  when 'set' then session.set(words[0] => words[1])
  when 'incr' then session.incr(words[0], *words.drop(1).map { |n| Integer(n) })
  when 'persist' then session.persist(on: words == ['on'])
  when 'renew' then session.renew(discard: words == ['discard'])
  else session.public_send(order, *words)
  end
  []
rescue ArgumentError, TypeError
  ['refused']
end

def obey(session, body)
  said = body.lines.flat_map do |line|
    order, *words = line.chomp.split(' ', -1)
    words.map! { |word| URI.decode_www_form_component(word) }
    if %w[tell get messages].include?(order)
      read(session, order, words[0])
    else
      ask(session, order, words)
    end
  end
  said.map { |line| "#{line}\n" }.join
end
