"""Addresses of the engine's API."""

from django.urls import path

from jobs.api import views

urlpatterns = [
    path("jobs", views.JobsView.as_view(), name="jobs"),
    path("jobs/<str:job_id>", views.JobView.as_view(), name="job"),
    path("jobs/<str:job_id>/cancel", views.CancelJobView.as_view(), name="job-cancel"),
    path("jobs/<str:job_id>/retry", views.RetryJobView.as_view(), name="job-retry"),
]
