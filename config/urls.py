"""Every address of the web process."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from config.api import schema  # noqa: F401 - registers how the keys are described
from followups.api.views import SeedHealthView


def live(_request: HttpRequest) -> HttpResponse:
    """Say that this process answers. It asks nobody else: a database that is away is no reason to restart it."""
    return HttpResponse("ok\n", content_type="text/plain")


urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("health/live", live, name="live"),
    path("api/scheduler/health", SeedHealthView.as_view(), name="seed-scheduler-health"),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("api/v1/", include("jobs.api.urls")),
    path("api/v1/", include("followups.api.urls")),
]

handler404 = "config.api.errors.not_found"
