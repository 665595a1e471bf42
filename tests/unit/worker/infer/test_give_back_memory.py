"""Memory that was freed goes back to the system while a worker waits."""

from __future__ import annotations

import subprocess
import sys


def _printed(program: str) -> tuple[int, int]:
    """Two numbers that a program prints, in a process with a heap of its own."""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    first, second = map(int, ended.stdout.split())
    return first, second


_PROGRAM = """
from worker.infer.held_memory import give_back_memory, resident_bytes

blocks = [bytes([1]) * 100_000 for _ in range(2_000)]  # below what glibc maps apart
last = blocks.pop()
full = resident_bytes()
del blocks
freed = resident_bytes()
give_back_memory()
print(full - freed, freed - resident_bytes())
"""


def test_what_lies_in_the_middle_of_the_heap_goes_too() -> None:
    """Of 200 MB below one block that is still in use, nearly all."""
    by_itself, given_back = _printed(_PROGRAM)
    assert by_itself < 20_000_000
    assert given_back > 150_000_000


_TWICE = """
import resource

from worker.infer.held_memory import give_back_memory, resident_bytes, use_freed_memory_again

use_freed_memory_again()
full = bytes([1]) * 100_000_000
held = resident_bytes()
del full
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
again = bytes([1]) * 100_000_000
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
del again
give_back_memory()
print(faults, held - resident_bytes())
"""


def test_what_was_freed_is_used_again_and_goes_when_it_is_given_back() -> None:
    """Of 100 MB no page is asked for a second time: by itself glibc asks for each of the 24,000."""
    faults, given_back = _printed(_TWICE)
    assert faults < 1_000
    assert given_back > 90_000_000


_AT_REST = """
import gc
import time

from worker.infer.held_memory import MemoryAtRest, resident_bytes

gc.disable()
blocks = [bytes([1]) * 100_000 for _ in range(2_000)]
last = blocks.pop()
blocks.append(blocks)  # nothing but a collection frees it
del blocks
held = resident_bytes()
rest = MemoryAtRest(after_s=0.2)
with rest.interrupted():
    pass
with rest.interrupted():
    time.sleep(0.4)  # twice as long as it would have rested
    interrupted = held - resident_bytes()
deadline = time.monotonic() + 10
while held - resident_bytes() < 150_000_000 and time.monotonic() < deadline:
    time.sleep(0.01)  # nobody says when a thread has given memory back
print(interrupted, held - resident_bytes())
"""


def test_memory_is_kept_while_a_process_has_rested_for_less_than_it_should() -> None:
    interrupted, at_rest = _printed(_AT_REST)
    assert interrupted < 20_000_000
    assert at_rest > 150_000_000
