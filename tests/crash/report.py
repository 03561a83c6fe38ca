"""The crash matrix as text and as the block of docs/guarantees.md."""

def text(result):
    return "\n".join(f"{c.victim:11}{c.moment:16}{c.kind:24}{c.rounds:3}{c.kills:4}{c.jobs:5}{c.attempts:5}{c.lost:4}{c.doubled:4}{c.repeated:4}{c.unknown:4}{c.slowest_rescue:7.1f}" for c in result.cells.values())+f"\n{result.restarted_dead}\n{result.restarted_stuck}\n"
markdown = text
