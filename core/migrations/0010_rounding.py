"""How a channel rounds its taxes."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0009_payment_throttles'),
    ]

    operations = [
        migrations.AddField(
            model_name='saleschannel',
            name='rounding_mode',
            field=models.CharField(choices=[('half_up', 'half_up'), ('half_even', 'half_even')], default='half_up', max_length=16),
        ),
        migrations.AddField(
            model_name='saleschannel',
            name='rounding_scope',
            field=models.CharField(choices=[('line', 'line'), ('document', 'document')], default='line', max_length=16),
        ),
        migrations.AddConstraint(
            model_name='saleschannel',
            constraint=models.CheckConstraint(condition=models.Q(('rounding_mode__in', ['half_up', 'half_even']), ('rounding_scope__in', ['line', 'document'])), name='core_channel_rounding_known'),
        ),
    ]
