"""An attempt over zero is allowed to nobody but the adapter `free`, and then only its authorize is."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("payments", "0003_observed_at")]
    operations = [
        migrations.RemoveConstraint(model_name="paymentattempt", name="payments_attempt_amount_positive"),
        migrations.AddConstraint(
            model_name="paymentattempt",
            constraint=models.CheckConstraint(
                condition=Q(("amount_minor__gt", 0), Q(("amount_minor", 0), ("method", "free")), _connector="OR"),
                name="payments_attempt_amount_unless_free",
            ),
        ),
        migrations.RemoveConstraint(model_name="operation", name="payments_operation_amount_positive"),
        migrations.AddConstraint(
            model_name="operation",
            constraint=models.CheckConstraint(
                condition=Q(("amount_minor__gt", 0), Q(("amount_minor", 0), ("kind", "authorize")), _connector="OR"),
                name="payments_operation_amount_unless_free",
            ),
        ),
    ]
