"""A session store: who is logged in, with what, and where.

What it promises:
- A session ends ttl_s seconds after it was last used (sliding expiry), or at once by log_out().
- log_out_everywhere() ends every session of a user that began before it did its work; one that
  begins at that moment is either ended or listed by sessions(), never forgotten.
- A login code works once, and for five minutes.
- Nothing stays for ever: every key here has a time to live.
"""

import secrets

import redis

import arguments

CODE_TTL_S = 300

# A session that has ended must not come back, without a time to live, because someone sets a field.
SET_IF_THERE = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
"""


class SessionStore:
    def __init__(self, cache, ttl_s=1800):
        self.cache, self.ttl_s = cache, ttl_s

    def issue_code(self, user):
        """A code to send by mail, say; whoever redeems it is logged in as the user."""
        code = secrets.token_urlsafe(16)
        self.cache.setex(f"login-code:{code}", CODE_TTL_S, user)
        return code

    def redeem_code(self, code):
        """The id of a new session, or None if the code is wrong, old or used."""
        user = self.cache.getdel(f"login-code:{code}")  # reads and deletes in one step: only one gets it
        return None if user is None else self.create(user)

    def create(self, user, **fields):
        """Logs a user in; returns the id of the session, for the cookie."""
        session_id = secrets.token_urlsafe(32)
        with self.cache.pipeline() as pipe:
            pipe.multi()
            pipe.hset(f"session:{session_id}", mapping={**fields, "user": user})
            pipe.expire(f"session:{session_id}", self.ttl_s)
            pipe.sadd(f"sessions:{user}", session_id)
            # Twice the time: the set must outlive each session in it, or "everywhere" would miss one.
            pipe.expire(f"sessions:{user}", 2 * self.ttl_s)
            pipe.execute()
        return session_id

    def get(self, session_id):
        """The fields of a session, whose time starts anew; None if it has ended."""
        with self.cache.pipeline() as pipe:
            pipe.multi()
            pipe.hgetall(f"session:{session_id}")
            pipe.expire(f"session:{session_id}", self.ttl_s)
            fields, _ = pipe.execute()
        if not fields:
            return None
        self.cache.expire(f"sessions:{fields['user']}", 2 * self.ttl_s)
        return fields

    def set_field(self, session_id, field, value):
        """False if the session has ended."""
        return self.cache.eval(SET_IF_THERE, 1, f"session:{session_id}", field, value) == 1

    def sessions(self, user):
        """The ids of a user's sessions. Forgets those that have run out."""
        ids = list(self.cache.smembers(f"sessions:{user}"))
        with self.cache.pipeline(transaction=False) as pipe:
            for session_id in ids:
                pipe.exists(f"session:{session_id}")
            is_there = dict(zip(ids, pipe.execute()))
        over = [session_id for session_id in ids if not is_there[session_id]]
        if over:
            self.cache.srem(f"sessions:{user}", *over)
        return set(ids) - set(over)

    def log_out(self, session_id):
        user = self.cache.hget(f"session:{session_id}", "user")
        with self.cache.pipeline() as pipe:
            pipe.multi()
            pipe.delete(f"session:{session_id}")
            pipe.srem(f"sessions:{user}", session_id)
            pipe.execute()

    def log_out_everywhere(self, user):
        """Returns how many sessions it ended."""
        def end_all(pipe):
            ids = pipe.smembers(f"sessions:{user}")
            pipe.multi()
            pipe.delete(f"sessions:{user}", *(f"session:{session_id}" for session_id in ids))

        # WATCH: if the set changes before the DELETE, end_all starts over with the new set.
        deleted, = self.cache.transaction(end_all, f"sessions:{user}")
        return max(0, deleted - 1)  # without the set itself


def main():
    options = arguments.parser(__doc__).parse_args()
    cache = redis.Redis(host=options.host, port=options.port, decode_responses=True)
    store = SessionStore(cache)
    phone = store.redeem_code(store.issue_code("ann"))
    laptop = store.create("ann", theme="dark")
    store.set_field(phone, "theme", "light")
    print("phone:", store.get(phone), "laptop:", store.get(laptop))
    store.log_out(phone)
    print("after log_out():", store.get(phone), "and", len(store.sessions("ann")), "session")
    print("ended everywhere:", store.log_out_everywhere("ann"))


if __name__ == "__main__":
    main()
