"""Tax ids of businesses beside the addresses of carts."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('checkout', '0005_coupons'),
    ]

    operations = [
        migrations.AddField(
            model_name='cartaddress',
            name='tax_id',
            field=models.CharField(blank=True, help_text="A business's, with its country's letters.", max_length=32),
        ),
    ]
