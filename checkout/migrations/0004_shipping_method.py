"""The shipping method a customer picked for a cart."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('checkout', '0003_open_carts'),
    ]

    operations = [
        migrations.AddField(
            model_name='cart',
            name='shipping_method_code',
            field=models.CharField(blank=True, help_text='What the customer picked; empty or gone: the cheapest.', max_length=40),
        ),
    ]
