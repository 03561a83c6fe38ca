"""Members who wrote before rhythms were kept: theirs are to be computed."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("followups", "0011_rhythms_to_compute")]

    operations = [
        migrations.RunSQL(
            "INSERT INTO member_rhythms (user_id, gaps, usual_low, usual_high, rare, weekdays)"
            " SELECT user_id, 0, '0', '0', '0', array_fill(0::float8, ARRAY[7])"
            " FROM user_profiles WHERE last_interaction IS NOT NULL"
            " ON CONFLICT (user_id) DO NOTHING",
            # Before, there was no such thing as a rhythm to be computed.
            "DELETE FROM member_rhythms WHERE computed_at IS NULL",
        ),
    ]
