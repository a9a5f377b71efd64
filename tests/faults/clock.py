"""A kiln-server whose wall clock can be set while it runs. Other clocks, which nobody sets, go on."""

from faults.group import Node
from persist.faults import FaultyKiln


class TimeTraveller(Node, FaultyKiln):
    def jump(self, seconds: int):
        """How far its clock is from the true one, from now on."""
        self.faults.set(clock_offset_s=seconds)

    def time(self) -> int:
        return int(self.call("TIME")[0][1])
