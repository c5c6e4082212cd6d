"""Who has promotions for first orders in use, and in which one order."""

import django.db.models.deletion
from django.db import migrations, models

from core import guards

GUARD = guards.frozen_columns("catalog_firstorder", ["channel_id", "key", "order_public_id"])
# Where two uses of one customer live already, the earlier is the first order.
CLAIM = """
INSERT INTO catalog_firstorder (channel_id, key, order_public_id, claimed_at)
SELECT DISTINCT ON (promotion.channel_id, keys.key)
    promotion.channel_id, keys.key, coupon_use.order_public_id, coupon_use.held_at
FROM catalog_couponuse AS coupon_use
JOIN catalog_promotion AS promotion ON promotion.id = coupon_use.promotion_id
CROSS JOIN LATERAL (VALUES (coupon_use.customer_key), (coupon_use.contact_key)) AS keys (key)
WHERE promotion.is_first_order_only AND coupon_use.status IN ('held', 'used') AND keys.key <> ''
ORDER BY promotion.channel_id, keys.key, coupon_use.id
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0007_promotions"), ("core", "0006_locales")]

    operations = [
        migrations.CreateModel(
            name="FirstOrder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(help_text="The account, or the digest of the address.", max_length=80)),
                ("order_public_id", models.CharField(max_length=40)),
                ("claimed_at", models.DateTimeField()),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="core.saleschannel",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["order_public_id"], name="catalog_first_order_of")],
                "constraints": [
                    models.UniqueConstraint(fields=("channel", "key"), name="catalog_first_order_once")
                ],
            },
        ),
        migrations.RunSQL(CLAIM, migrations.RunSQL.noop),
        migrations.RunSQL(GUARD, migrations.RunSQL.noop),
    ]
