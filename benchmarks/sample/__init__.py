"""The work that the benchmarks give to the engines: nothing."""
