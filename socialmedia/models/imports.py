"""Which rows of another database were taken over."""

from django.db import models


class ImportedRow(models.Model):
    """A row of MediaPoster that nothing but its id tells from another: it is taken once, however often it is read."""

    table_name = models.CharField(max_length=63, help_text="MediaPoster's table.")
    source_key = models.CharField(max_length=100, help_text="The row's id there, and a time of its own.")
    row_id = models.BigIntegerField(help_text="Its id here; that row may be gone since.")

    class Meta:
        db_table = "imported_rows"
        constraints = [models.UniqueConstraint(fields=["table_name", "source_key"], name="imported_rows_once")]

    def __str__(self) -> str:
        return f"{self.table_name} {self.source_key}"
