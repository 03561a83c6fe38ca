"""Addresses of the follow-ups' API."""

from django.urls import path

from followups.api import members, views

urlpatterns = [
    path("followups", views.FollowUpsView.as_view(), name="followups"),
    path("followups/<str:follow_up_id>", views.FollowUpView.as_view(), name="followup"),
    path("followups/<str:follow_up_id>/cancel", views.CancelFollowUpView.as_view(), name="followup-cancel"),
    path("members/<str:user_id>/consent", members.ConsentView.as_view(), name="member-consent"),
    path("members/<str:user_id>/opt-in", members.OptInView.as_view(), name="member-opt-in"),
    path("members/<str:user_id>/opt-out", members.OptOutView.as_view(), name="member-opt-out"),
    path("members/<str:user_id>/preferences", members.PreferencesView.as_view(), name="member-preferences"),
    path("members/<str:user_id>/export", members.ExportView.as_view(), name="member-export"),
    path("members/<str:user_id>/forget", members.ForgetView.as_view(), name="member-forget"),
    path("scheduler/health", views.HealthView.as_view(), name="scheduler-health"),
]
