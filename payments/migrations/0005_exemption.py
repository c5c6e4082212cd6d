"""What strong authentication an attempt was to be spared; blank for every attempt so far."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0004_free")]
    operations = [
        migrations.AddField(
            model_name="paymentattempt",
            name="exemption",
            field=models.CharField(
                blank=True,
                choices=[
                    ("low_value", "Low Value"),
                    ("tra", "Tra"),
                    ("recurring", "Recurring"),
                    ("mit", "Mit"),
                    ("trusted", "Trusted"),
                    ("corporate", "Corporate"),
                ],
                default="",
                help_text="Asked for; the issuer decides.",
                max_length=16,
            ),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name="paymentattempt",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("exemption__in", ["", "low_value", "tra", "recurring", "mit", "trusted", "corporate"])
                ),
                name="payments_attempt_exemption_known",
            ),
        ),
    ]
