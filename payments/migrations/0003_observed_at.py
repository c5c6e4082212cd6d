"""Between which instants an attempt's status was true at the provider; NULL for what was learned before."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0002_guards")]
    operations = [
        migrations.AddField(
            model_name="paymentattempt",
            name="observed_at",
            field=models.DateTimeField(help_text="The status is no older: when the provider was asked.", null=True),
        ),
        migrations.AddField(
            model_name="paymentattempt",
            name="answered_at",
            field=models.DateTimeField(help_text="The status is no younger: when the answer was there.", null=True),
        ),
    ]
