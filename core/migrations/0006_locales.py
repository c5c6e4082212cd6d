"""The languages a shop is translated into, beside the one its catalog is typed in."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0005_throttles'),
    ]

    operations = [
        migrations.AddField(
            model_name='saleschannel',
            name='locales',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=6), default=list, help_text='Others it is translated into.', size=None),
        ),
    ]
