"""An index to find a booking by the booking system's id, whatever became of it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("followups", "0008_one_follow_up_per_event")]

    operations = [
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(
                fields=["booking_id"],
                condition=models.Q(("booking_id", ""), _negated=True),
                name="idx_bookings_booking_id",
            ),
        ),
    ]
