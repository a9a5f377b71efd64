# What sidekiq_jobs.rb sends: Sidekiq's own process loads it too.
require "sidekiq"

class Note
  include Sidekiq::Worker
  sidekiq_options queue: "default", retry: 2
  sidekiq_retry_in { 0 }

  def perform(text)
    Sidekiq.redis { |redis| redis.rpush("notes", text) }
  end
end

# Fails when it is tried for the first time.
class Second < Note
  def perform(text)
    raise "again" if Sidekiq.redis { |redis| redis.incr("tries") } == 1
    super
  end
end
