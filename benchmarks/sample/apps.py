from django.apps import AppConfig


class SampleConfig(AppConfig):
    name = "benchmarks.sample"
    label = "benchmark_sample"
