"""Judging a server by the bytes it answers: the RESP wire, scripts with expected replies, their runner."""
