"""Orders that were paid before the flag existed are recognised sales."""

from django.db import migrations

RECOGNISE = "UPDATE orders_order SET is_sale_recognised = true, sales_count = 1 WHERE paid_at IS NOT NULL"


class Migration(migrations.Migration):
    dependencies = [("orders", "0006_sales")]
    operations = [migrations.RunSQL(RECOGNISE, migrations.RunSQL.noop)]
