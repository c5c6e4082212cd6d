"""An order's cases, by index: its page and its sweeps ask for them."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("oversight", "0007_refund_requests"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("order_public_id", ""), _negated=True),
                fields=["order_public_id"],
                name="oversight_case_of_order",
            ),
        ),
    ]
