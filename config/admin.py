"""The console's pages of API keys, users and groups, and of Django-Q2."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.cache import never_cache
from django_q.admin import FailAdmin, QueueAdmin, TaskAdmin
from django_q.models import Failure, OrmQ, Schedule, Success
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from config import keys
from config.models import SCOPES, ApiToken
from jobs import console
from jobs.models import RecurringSchedule
from jobs.recurring_admin import RecurringAdmin


class NewKeyForm(forms.Form):
    """What it takes to make a key."""

    name = forms.CharField(
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text="What will use the key. Consent receipts name it.",
    )
    scopes = forms.MultipleChoiceField(choices=list(SCOPES.items()), widget=UnfoldAdminCheckboxSelectMultipleWidget)


@admin.register(ApiToken)
class ApiTokenAdmin(console.ConsoleAdmin):
    """API keys. A key is shown once, right after it was made; deleting one locks its program out at once."""

    list_display = ("name", "may", "begins", "made", "used", "user")
    list_select_related = ("user",)
    sortable_by = ()
    ordering = ("name",)
    fields = ("name", "may", "begins", "user", "made", "used")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may add keys."""
        return bool(request.user.has_perm("config.add_apitoken"))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may lock a program out."""
        return bool(request.user.has_perm("config.delete_apitoken"))

    def get_urls(self) -> list[URLPattern]:
        """Put our own page of a new key before Django's."""
        page = self.admin_site.admin_view(never_cache(self.new_key))
        return [path("add/", page, name="config_apitoken_add"), *super().get_urls()]

    def new_key(self, request: HttpRequest) -> HttpResponse:
        """Make a key and show it, once: it is on no other page and in no log."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = NewKeyForm(request.POST or None)
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": "New API key"}
        if form.is_valid():
            new = keys.create(name=form.cleaned_data["name"], scopes=form.cleaned_data["scopes"])
            self.log_addition(request, new.token, "Made an API key.")
            return TemplateResponse(request, "admin/console/new_key.html", {**context, "new": new})
        sentence = "A program sends it as: Authorization: Bearer <key>."
        question = console.Question("New API key", sentence, "Make the key", form=form)
        back = reverse("admin:config_apitoken_changelist")
        return TemplateResponse(request, "admin/console/question.html", {**context, "question": question, "back": back})

    @admin.display(description="May")
    def may(self, row: ApiToken) -> str:
        return ", ".join(row.scopes) or "Nothing"

    @admin.display(description="Begins with")
    def begins(self, row: ApiToken) -> str:
        return f"{row.token_key}…"

    @admin.display(description="Made")
    def made(self, row: ApiToken) -> object:
        return console.when(row.created)

    @admin.display(description="Last used")
    def used(self, row: ApiToken) -> object:
        return console.when(row.last_used_at) if row.last_used_at else "Never"


admin.site.index_title = "Overview"

# Schedules have their page as recurring work: one bad row written by hand would stop them all.
for model in (User, Group, Schedule, Success, Failure, OrmQ):
    admin.site.unregister(model)

admin.site.register(RecurringSchedule, RecurringAdmin)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """Staff."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """What staff may do."""


@admin.register(Success)
class SuccessAdmin(ModelAdmin, TaskAdmin):  # type: ignore[misc]
    """Django-Q2's own tasks that ended well."""

    list_per_page = 50


@admin.register(Failure)
class FailureAdmin(ModelAdmin, FailAdmin):  # type: ignore[misc]
    """Django-Q2's own tasks that failed."""

    list_per_page = 50


@admin.register(OrmQ)
class QueuedAdmin(ModelAdmin, QueueAdmin):  # type: ignore[misc]
    """Django-Q2's own queue."""

    list_per_page = 50
