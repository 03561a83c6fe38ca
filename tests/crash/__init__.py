"""The crash matrix: real processes are killed at many moments, then effects are counted against jobs."""
