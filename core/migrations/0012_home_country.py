"""Where a shop's tax office is; nobody is let off a tax before that is said."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0011_wider_throttles'),
    ]

    operations = [
        migrations.AddField(
            model_name='saleschannel',
            name='home_country',
            field=models.CharField(blank=True, help_text='Where its tax office is. Empty: nobody accounts for its tax themselves.', max_length=2),
        ),
        migrations.AddConstraint(
            model_name='saleschannel',
            constraint=models.CheckConstraint(condition=models.Q(('home_country__regex', '^([A-Z]{2})?$')), name='core_channel_home_country'),
        ),
    ]
