"""What the inbox asks the database."""

from pathlib import Path

from django.db import migrations, models
from django.db.models import F, Q

_SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("socialmedia", "0008_check_backs")]

    operations = [
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                F("last_message_at").desc(nulls_last=True),
                "id",
                condition=Q(is_archived=False, is_blocked=False, is_spam=False),
                name="idx_conversations_open",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                F("last_message_at").desc(nulls_last=True),
                "id",
                condition=Q(is_archived=True) | Q(is_blocked=True) | Q(is_spam=True),
                name="idx_conversations_away",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(fields=["participant_username"], name="idx_conversations_handle"),
        ),
        migrations.RemoveIndex(model_name="message", name="idx_messages_thread"),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["conversation", "sent_at"], include=["is_outgoing"], name="idx_messages_thread"),
        ),
        migrations.AddIndex(
            model_name="staffreply",
            index=models.Index(
                fields=["updated_at"],
                condition=Q(status__in=["sent", "cancelled", "failed"]),
                name="idx_staff_replies_closed",
            ),
        ),
        migrations.RunSQL(
            sql=(_SQL / "active_conversations_summary_v1.sql").read_text(),
            reverse_sql="DROP VIEW active_conversations_summary;",
        ),
    ]
