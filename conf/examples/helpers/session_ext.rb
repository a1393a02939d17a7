# SPDX-License-Identifier: Apache-2.0
# frozen_string_literal: true

require 'uri'

# The session of mod_session_ext for Ruby.
#
# Rack, under any server behind httpd, or in CGI:
#
#   use SessionExt::Middleware
#   ...
#   session = env['session_ext.session']
#   visits = session['visits'] || '0'
#   session.set('name' => 'Ann').incr('visits').flash('info', 'Saved')
#
# A CGI program without Rack:
#
#   session = SessionExt::Session.new
#   print session          # its header lines, before all others
#
# What is asked for is seen by the next request. Keys and values are bytes, and
# come marked as UTF-8.
module SessionExt
  LINE = 8000 # bytes of a header line that every gateway takes

  # What is known of a session, and what is asked of it.
  class Session
    attr_reader :status, :handle, :version, :user, :data, :messages

    def initialize(env = ENV)
      # HTTP backends, and programs under suexec, are told by headers.
      http = env['SESSION_STATUS'] ? '' : 'HTTP_X_'
      told = ->(name) { env[http + name] }
      @status = told['SESSION_STATUS'] || 'none'
      @handle = told['SESSION_HANDLE']
      @version = (told['SESSION_VERSION'] || 0).to_i
      @user = told['SESSION_USER']&.dup&.force_encoding('UTF-8')
      parts = (1..).lazy.map { |n| told["SESSION_DATA_#{n}"] }
      text = told['SESSION_DATA'] || parts.take_while(&:itself).to_a.join
      @data = decode(text).to_h
      @messages = decode(told[http.empty? ? 'FLASH_DATA' : 'SESSION_FLASH'])
      @once = {}
      @keys = {}
      @flash = []
    end

    def active?
      status == 'active'
    end

    def [](key)
      data[key]
    end

    # Asking for changes: each returns the session.

    def set(pairs)
      pairs.each { |key, value| @keys[name(key)] = { set: encode(value) } }
      self
    end

    def unset(*keys)
      keys.each { |key| @keys[name(key)] = { unset: true } }
      self
    end

    def append(key, part)
      part = encode(part)
      wish(key).tap { |w| w[:append] = w.fetch(:append, '') + part }
      self
    end

    def incr(key, by = 1)
      raise TypeError, 'a whole number is accepted' unless by.is_a?(Integer)

      wish(key).tap { |w| w[:incr] = w.fetch(:incr, 0) + by }
      self
    end

    def clear
      @keys.clear
      ask('Clear', 'on')
    end

    def flash(level, text)
      unless level.to_s.match?(/\A[a-z]{1,32}\z/)
        raise ArgumentError, 'a level of 1 to 32 letters a-z is accepted'
      end

      pair = "#{level}=#{encode(text)}"
      raise ArgumentError, 'a message is too long' if pair.size > LINE - 20

      @flash << pair
      self
    end

    # Data only if the session is at this version, that of now.
    def if_version(version = @version)
      ask('If-Version', version)
    end

    def destroy = ask('Destroy', 'on')
    def logout(who = 'all') = ask('Logout', who)
    def renew(discard: false) = ask('Renew', discard ? 'discard' : 'on')
    def idle(seconds = 'default') = ask('Idle', seconds)
    def persist(on: true) = ask('Persist', on ? 'on' : 'off')
    def keep_flash = ask('Flash-Keep', 'on')

    # What is asked for, as a list of [name, value].
    def headers
      set = pieces_of(:set)
      append = set.flat_map { |pieces| pieces.drop(1) } +
               pieces_of(:append).flatten
      @once.to_a +
        lines('Session-Unset', wished(:unset).map(&:first)) +
        lines('Session-Set', set.map(&:first)) +
        lines('Session-Append', append) +
        lines('Session-Incr', wished(:incr).map { |pair| pair.join('=') }) +
        lines('Session-Flash', @flash)
    end

    def to_s
      headers.map { |name, value| "#{name}: #{value}\r\n" }.join
    end

    private

    def decode(text)
      (text || '').split('&').map do |pair|
        pair.split('=', 2).map { |s| URI.decode_www_form_component(s) }
      end
    end

    def encode(value)
      case value
      when String, Symbol, Integer then URI.encode_www_form_component(
        value.to_s.b
      )
      else raise TypeError, 'accepted are String, Symbol and Integer'
      end
    end

    def name(key)
      return encode(key) if (1..128).cover?(key.to_s.bytesize)

      raise ArgumentError, 'a key of 1 to 128 bytes is accepted'
    end

    def wish(key)
      @keys[name(key)] ||= {}
    end

    def ask(header, value)
      @once["Session-#{header}"] = value.to_s
      self
    end

    def wished(what)
      @keys.filter_map { |key, wish| [key, wish[what]] if wish[what] }
    end

    # Each value in pairs that fit a line, no %XX divided.
    def pieces_of(what)
      wished(what).map do |key, text|
        room = LINE - "Session-Append: #{key}=".size
        pieces = text.scan(/.{1,#{room}}(?<!%)(?<!%.)/m)
        (pieces.empty? ? [''] : pieces).map { |piece| "#{key}=#{piece}" }
      end
    end

    # Items joined by '&' into as many lines as it takes.
    def lines(header, items)
      items.each_with_object([]) do |item, lines|
        if lines.any? && header.size + lines.last[1].size + item.size + 3 <= LINE
          lines.last[1] += "&#{item}"
        else
          lines << [header, item]
        end
      end
    end
  end

  # Rack: env['session_ext.session'] for an application.
  class Middleware
    def initialize(app)
      @app = app
    end

    def call(env)
      session = env['session_ext.session'] = Session.new(env)
      status, headers, body = @app.call(env)
      headers = headers.to_hash.dup
      session.headers.group_by(&:first).each do |name, lines|
        headers[name.downcase] = joined(lines.map(&:last))
      end
      [status, headers, body]
    end

    private

    # Several lines of one name: Rack 3 has arrays, those before had newlines.
    def joined(values)
      return values.first if values.size == 1

      defined?(Rack::RELEASE) && Rack::RELEASE.to_i < 3 ? values.join("\n") : values
    end
  end
end
