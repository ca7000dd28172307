"""The one sentence that MISP hears, whatever somebody else's server said."""

from __future__ import annotations

import time

from misp_workflow.action.answers import MAX_SENTENCE, sentence


def spent(words: str) -> float:
    """Return the least processor time of three runs."""
    times = []
    for _ in range(3):
        begin = time.thread_time()
        sentence(words)
        times.append(time.thread_time() - begin)
    return min(times)


def test_a_megabyte_costs_what_a_long_sentence_costs():
    quoted = "a\x1b[31m.. "
    assert spent(quoted * 500_000) < 20 * spent(quoted * 3_000)


def test_what_is_not_looked_at_is_not_passed_over_in_silence():
    assert sentence("Refused." + " " * 100_000 + "why").endswith("… [cut]")
    assert len(sentence("word " * 100_000)) <= MAX_SENTENCE
    assert sentence(" Two  sentences.. ") == "Two sentences."
