"""Codes entered into carts."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0007_promotions'),
        ('checkout', '0004_shipping_method'),
    ]

    operations = [
        migrations.CreateModel(
            name='CartCoupon',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('added_at', models.DateTimeField()),
                ('cart', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='coupons', to='checkout.cart')),
                ('coupon', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.coupon')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('cart', 'coupon'), name='checkout_cart_coupon_unique')],
            },
        ),
    ]
