# Sidekiq: many jobs, scheduled jobs, retries, statistics, and a process that ends when it is told.
require "sidekiq/api"

PORT = Integer(ARGV[0])
ENV["REDIS_URL"] = "redis://127.0.0.1:#{PORT}/0"
JOBS = File.expand_path("lib/jobs.rb", __dir__)
require JOBS

def check(holds, what = caller(1..1).first)
  raise "does not hold: #{what}" unless holds
end

def wait_until(what)
  deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 40
  until yield
    raise "not in time: #{what}" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
    sleep 0.01
  end
end

def notes
  Sidekiq.redis { |redis| redis.lrange("notes", 0, -1) }
end

def enqueue
  check Sidekiq::Client.push_bulk("class" => Note, "args" => (1..500).map { |n| [n.to_s] }).size == 500
  Second.perform_async("second")
  Note.perform_in(0.2, "later")
  check Sidekiq::Queue.new.size == 501 && Sidekiq::ScheduledSet.new.size == 1
end

def work
  child = spawn("sidekiq", "-q", "default", "-c", "5", "-r", JOBS, out: "/dev/null")
  wait_until("500 notes") { (notes & (1..500).map(&:to_s)).size == 500 }
  wait_until("one more try is waited for") { Sidekiq::RetrySet.new.size == 1 || notes.include?("second") }
  Sidekiq::RetrySet.new.each(&:retry)
  Sidekiq::ScheduledSet.new.each(&:add_to_queue)
  wait_until("the retried and the scheduled") { (%w[second later] - notes).empty? }
  wait_until("it is listed") { Sidekiq::ProcessSet.new.size == 1 }
  Process.kill("TERM", child)
  Process.wait(child)
  check notes.size == 502 && Sidekiq::ProcessSet.new.size.zero?
  check Sidekiq::Stats.new.processed == 503 && Sidekiq::Stats.new.failed == 1
end

%i[enqueue work].each do |step|
  send(step)
  puts "ok #{step}"
end
puts "done"
