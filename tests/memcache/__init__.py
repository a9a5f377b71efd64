"""Judging a memcached: .mc scripts, their runner, and a differential fuzzer."""
