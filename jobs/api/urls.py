"""Addresses of the engine's API."""

from django.urls import path

from jobs.api import types, views

urlpatterns = [
    path("jobs", views.JobsView.as_view(), name="jobs"),
    path("jobs/<str:job_id>", views.JobView.as_view(), name="job"),
    path("jobs/<str:job_id>/cancel", views.CancelJobView.as_view(), name="job-cancel"),
    path("jobs/<str:job_id>/retry", views.RetryJobView.as_view(), name="job-retry"),
    path("jobs/<str:job_id>/run", views.RunJobView.as_view(), name="job-run"),
    path("jobs/<str:job_id>/reschedule", views.RescheduleJobView.as_view(), name="job-reschedule"),
    path("job-types", types.JobTypesView.as_view(), name="job-types"),
    path("job-types/<str:job_type>/pause", types.PauseJobTypeView.as_view(), name="job-type-pause"),
    path("job-types/<str:job_type>/resume", types.ResumeJobTypeView.as_view(), name="job-type-resume"),
]
