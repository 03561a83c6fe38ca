"""Addresses of the follow-ups' API."""

from django.urls import path

from followups.api import analytics, events, explaining, goals, members, views

urlpatterns = [
    path("followups", views.FollowUpsView.as_view(), name="followups"),
    path("followups/simulate", explaining.SimulationView.as_view(), name="followups-simulate"),
    path("decisions", explaining.LedgerView.as_view(), name="decisions"),
    path("members/<str:user_id>/why", explaining.WhyView.as_view(), name="member-why"),
    path("followups/<str:follow_up_id>", views.FollowUpView.as_view(), name="followup"),
    path("followups/<str:follow_up_id>/cancel", views.CancelFollowUpView.as_view(), name="followup-cancel"),
    path(
        "followups/<str:follow_up_id>/reschedule",
        views.RescheduleFollowUpView.as_view(),
        name="followup-reschedule",
    ),
    path("events", events.EventsView.as_view(), name="events"),
    path("events/<int:event_id>", events.EventView.as_view(), name="event"),
    path("events/<int:event_id>/cancel", events.CancelEventView.as_view(), name="event-cancel"),
    path("analytics/followups", analytics.FollowUpAnalyticsView.as_view(), name="analytics-followups"),
    path("analytics/members/<str:user_id>/best-hour", analytics.BestHourView.as_view(), name="member-best-hour"),
    path("campaigns", analytics.CampaignsView.as_view(), name="campaigns"),
    path("campaigns/<str:trigger>", analytics.CampaignView.as_view(), name="campaign"),
    path("campaigns/<str:trigger>/pause", analytics.PauseCampaignView.as_view(), name="campaign-pause"),
    path("campaigns/<str:trigger>/resume", analytics.ResumeCampaignView.as_view(), name="campaign-resume"),
    path("members/<str:user_id>/consent", members.ConsentView.as_view(), name="member-consent"),
    path("members/<str:user_id>/opt-in", members.OptInView.as_view(), name="member-opt-in"),
    path("members/<str:user_id>/opt-out", members.OptOutView.as_view(), name="member-opt-out"),
    path("members/<str:user_id>/preferences", members.PreferencesView.as_view(), name="member-preferences"),
    path("members/<str:user_id>/goal", goals.GoalView.as_view(), name="member-goal"),
    path("members/<str:user_id>/export", members.ExportView.as_view(), name="member-export"),
    path("members/<str:user_id>/forget", members.ForgetView.as_view(), name="member-forget"),
    path("scheduler/health", views.HealthView.as_view(), name="scheduler-health"),
]
