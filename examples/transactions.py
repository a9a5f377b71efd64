"""Transactions: move money between two accounts, with WATCH, MULTI and EXEC.

What transfer() promises, whatever others do at the same time:
- Both accounts change or neither; nobody sees one changed and not the other, so the sum is constant.
- No account falls below zero.

It is optimistic: it locks nothing, and starts over if another client touched one of the accounts
between WATCH and EXEC. EXEC does not roll back: what could fail is checked before it.
"""

import redis

import arguments


class InsufficientFunds(Exception):
    pass


def transfer(cache, source, target, amount):
    """Raises InsufficientFunds and changes nothing if the source has less than the amount."""
    if amount <= 0:
        raise ValueError("an amount is positive")
    with cache.pipeline() as pipe:
        while True:
            try:
                pipe.watch(account(source), account(target))
                if int(pipe.get(account(source)) or 0) < amount:
                    raise InsufficientFunds(f"{source} has less than {amount}")
                pipe.multi()
                pipe.decrby(account(source), amount)
                pipe.incrby(account(target), amount)
                pipe.execute()
                return
            except redis.WatchError:
                continue  # the other client made progress, so somebody always does


def deposit(cache, name, amount):
    return cache.incrby(account(name), amount)  # one command is a transaction of its own


def balances(cache, names):
    """Of all accounts at one moment."""
    return [int(balance or 0) for balance in cache.mget([account(name) for name in names])]


def account(name):
    """The key of an account. The braces keep all accounts in one slot of a cluster, as MULTI requires."""
    return "{accounts}:" + name


def main():
    options = arguments.parser(__doc__).parse_args()
    cache = redis.Redis(host=options.host, port=options.port, decode_responses=True)
    cache.delete(account("ann"), account("ben"))
    deposit(cache, "ann", 100)
    transfer(cache, "ann", "ben", 30)
    print("ann and ben have", balances(cache, ["ann", "ben"]))
    try:
        transfer(cache, "ann", "ben", 300)
    except InsufficientFunds as refusal:
        print("refused:", refusal)
    print("ann and ben have", balances(cache, ["ann", "ben"]))


if __name__ == "__main__":
    main()
