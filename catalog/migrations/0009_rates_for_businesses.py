"""Tax rates for businesses that account for the tax themselves, beside those for everybody."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
from django.db import migrations, models

# What was a reverse charge for everybody could be nobody's: it is for businesses from now on.
FOR_BUSINESSES = "UPDATE catalog_taxrate SET for_businesses = TRUE WHERE treatment = 'reverse_charge';"


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0008_first_orders'),
        ('core', '0012_home_country'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='taxrate',
            name='catalog_tax_rate_no_overlap',
        ),
        migrations.AddField(
            model_name='taxrate',
            name='for_businesses',
            field=models.BooleanField(default=False, help_text='Only where the buyer accounts for the tax.'),
        ),
        migrations.RunSQL(FOR_BUSINESSES, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name='taxrate',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=[('channel', '='), ('country', '='), ('tax_category', '='), ('region', '='), ('postcode_prefix', '='), ('for_businesses', '='), (models.Func(models.F('valid_from'), models.F('valid_until'), function='daterange', output_field=django.contrib.postgres.fields.ranges.DateRangeField()), '&&')], name='catalog_tax_rate_no_overlap'),
        ),
        migrations.AddConstraint(
            model_name='taxrate',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('for_businesses', True), ('treatment', 'reverse_charge')), models.Q(('for_businesses', False), models.Q(('treatment', 'reverse_charge'), _negated=True)), _connector='OR'), name='catalog_tax_rate_reverse_charge_is_for_businesses'),
        ),
    ]
