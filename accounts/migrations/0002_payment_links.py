"""Payment links: a token that trades itself, and the mark of one that came by it."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.AlterField(
            model_name='accesstoken',
            name='purposes',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('cart', 'Cart'), ('view', 'View'), ('pay', 'Pay'), ('link', 'Link'), ('elsewhere', 'Elsewhere')], max_length=16), size=None),
        ),
    ]
