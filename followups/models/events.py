"""Events that members booked. A follow-up comes after each; moving or cancelling the one does it to the other."""

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from followups.models.profiles import UserProfile


class BookingStatus(models.TextChoices):
    """Where a booking is. A booked event of the past has taken place."""

    BOOKED = "booked", "Booked"
    CANCELLED = "cancelled", "Cancelled"


class Booking(models.Model):
    """One member's place at one event."""

    booking_id = models.CharField(
        max_length=255, blank=True, default="", db_default="", help_text="The booking system's id, if there is one."
    )
    user = models.ForeignKey(
        UserProfile, on_delete=models.CASCADE, related_name="bookings", db_index=False, help_text="Who comes."
    )
    name = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="The event, in words.")
    event_at = models.DateTimeField(help_text="When it takes place.")
    follow_up_delay = models.DurationField(default=timedelta(hours=24), help_text="How long after it we check back.")
    conversation_id = models.CharField(
        max_length=255, blank=True, default="", db_default="", help_text="The conversation it was booked in, if any."
    )
    status = models.CharField(
        max_length=20, choices=BookingStatus, default="booked", db_default="booked", help_text="State."
    )
    follow_up_id = models.CharField(
        max_length=255, blank=True, default="", db_default="", help_text="The follow-up that was planned for it."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When we heard of it.")
    updated_at = models.DateTimeField(db_default=Now(), help_text="Last moved or cancelled.")
    cancelled_at = models.DateTimeField(null=True, blank=True, help_text="When it was cancelled.")

    class Meta:
        db_table = "event_bookings"
        ordering = ["-event_at", "-id"]
        verbose_name = "event"
        indexes = [
            # A member's events; whether they came to one before.
            models.Index(fields=["user", "event_at"], name="idx_bookings_user_time"),
            # The list, latest first.
            models.Index(fields=["-event_at", "-id"], name="idx_bookings_time"),
            # What became of a booking: search and list by its id, cancelled ones included.
            models.Index(fields=["booking_id"], condition=~Q(booking_id=""), name="idx_bookings_booking_id"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=BookingStatus.values), name="event_bookings_status_known"),
            models.CheckConstraint(
                condition=~Q(status="cancelled") | Q(cancelled_at__isnull=False),
                name="event_bookings_cancelled_has_time",
            ),
            models.UniqueConstraint(
                fields=["booking_id"],
                condition=Q(status="booked") & ~Q(booking_id=""),
                name="event_bookings_one_live_per_booking_id",
            ),
            models.CheckConstraint(
                condition=Q(follow_up_delay__gte=timedelta(0)) & Q(follow_up_delay__lte=timedelta(days=366)),
                name="event_bookings_delay_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name or 'Event'} on {self.event_at:%Y-%m-%d} ({self.user_id})"
