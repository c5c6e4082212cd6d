"""Tax rates, exchange rates, shipping zones and methods, fees; no rate twice on a day, no area in another shop's zone."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models


# Django's own foreign key names the zone alone; this one holds that area and zone are of one shop.
SAME_CHANNEL = """
ALTER TABLE catalog_shippingarea ADD CONSTRAINT catalog_shipping_area_of_channel
    FOREIGN KEY (zone_id, channel_id) REFERENCES catalog_shippingzone (id, channel_id);
"""
UNDO_SAME_CHANNEL = "ALTER TABLE catalog_shippingarea DROP CONSTRAINT catalog_shipping_area_of_channel;"


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0004_texts'),
        ('core', '0006_locales'),
    ]

    operations = [
        # Trusted since PostgreSQL 13: whoever owns the database may install it.
        BtreeGistExtension(),
        migrations.CreateModel(
            name='ShippingZone',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=40)),
                ('name', models.CharField(max_length=120)),
                ('created_at', models.DateTimeField()),
                ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='shipping_zones', to='core.saleschannel')),
            ],
        ),
        migrations.CreateModel(
            name='ShippingMethod',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=40)),
                ('name', models.CharField(max_length=120)),
                ('description', models.CharField(blank=True, max_length=300)),
                ('tax_category', models.CharField(max_length=32)),
                ('days_min', models.PositiveSmallIntegerField()),
                ('days_max', models.PositiveSmallIntegerField()),
                ('weight_max_grams', models.PositiveBigIntegerField(help_text='Empty: any weight.', null=True)),
                ('position', models.PositiveIntegerField()),
                ('created_at', models.DateTimeField()),
                ('archived_at', models.DateTimeField(null=True)),
                ('zone', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='methods', to='catalog.shippingzone')),
            ],
        ),
        migrations.CreateModel(
            name='ShippingArea',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('country', models.CharField(max_length=2)),
                ('region', models.CharField(blank=True, help_text='Upper case; empty is the whole country.', max_length=80)),
                ('postcode_prefix', models.CharField(blank=True, help_text='Upper case without spaces.', max_length=16)),
                ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.saleschannel')),
                ('zone', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='areas', to='catalog.shippingzone')),
            ],
        ),
        migrations.CreateModel(
            name='Fee',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=40)),
                ('name', models.CharField(max_length=120)),
                ('tax_category', models.CharField(max_length=32)),
                ('currency', models.CharField(max_length=3)),
                ('amount_minor', models.BigIntegerField()),
                ('rate', models.DecimalField(decimal_places=6, help_text='A fraction of the goods after discounts.', max_digits=7)),
                ('below_value_minor', models.BigIntegerField(help_text='Only for goods worth less. Empty: always.', null=True)),
                ('is_for_shipped_goods', models.BooleanField(help_text='Only where something has to be carried.')),
                ('created_at', models.DateTimeField()),
                ('archived_at', models.DateTimeField(null=True)),
                ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='fees', to='core.saleschannel')),
                ('zone', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='fees', to='catalog.shippingzone')),
            ],
        ),
        migrations.CreateModel(
            name='TaxRate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(max_length=40, unique=True)),
                ('tax_category', models.CharField(max_length=32)),
                ('country', models.CharField(max_length=2)),
                ('region', models.CharField(blank=True, help_text='Upper case; empty is the whole country.', max_length=80)),
                ('postcode_prefix', models.CharField(blank=True, help_text='Upper case without spaces.', max_length=16)),
                ('code', models.CharField(help_text='As it stands on an invoice.', max_length=32)),
                ('rate', models.DecimalField(decimal_places=6, help_text='A fraction: 0.2 is 20 %.', max_digits=7)),
                ('treatment', models.CharField(choices=[('standard', 'Standard'), ('zero', 'Zero'), ('exempt', 'Exempt'), ('reverse_charge', 'Reverse Charge'), ('collected_by_provider', 'Collected By Provider')], max_length=32)),
                ('valid_from', models.DateField()),
                ('valid_until', models.DateField(help_text='The first day it does not count any more.', null=True)),
                ('created_at', models.DateTimeField()),
                ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='tax_rates', to='core.saleschannel')),
            ],
        ),
        migrations.CreateModel(
            name='ExchangeRate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('base_currency', models.CharField(max_length=3)),
                ('currency', models.CharField(max_length=3)),
                ('rate', models.DecimalField(decimal_places=10, max_digits=20)),
                ('source', models.CharField(help_text='Who says so.', max_length=120)),
                ('quoted_at', models.DateTimeField(help_text='When it was said.')),
                ('created_at', models.DateTimeField()),
                ('archived_at', models.DateTimeField(null=True)),
                ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='exchange_rates', to='core.saleschannel')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('archived_at', None)), fields=('channel', 'currency'), name='catalog_exchange_rate_one_live'), models.CheckConstraint(condition=models.Q(('rate__gt', 0)), name='catalog_exchange_rate_positive'), models.CheckConstraint(condition=models.Q(('currency', models.F('base_currency')), _negated=True), name='catalog_exchange_rate_two_currencies')],
            },
        ),
        migrations.CreateModel(
            name='ShippingPrice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('currency', models.CharField(max_length=3)),
                ('weight_from_grams', models.PositiveBigIntegerField()),
                ('value_from_minor', models.BigIntegerField(help_text='Of the goods before discounts, as entered.')),
                ('price_minor', models.BigIntegerField()),
                ('method', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='prices', to='catalog.shippingmethod')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('method', 'currency', 'value_from_minor', 'weight_from_grams'), name='catalog_shipping_price_unique'), models.CheckConstraint(condition=models.Q(('price_minor__gte', 0), ('value_from_minor__gte', 0)), name='catalog_shipping_price_not_negative')],
            },
        ),
        migrations.AddConstraint(
            model_name='shippingzone',
            constraint=models.UniqueConstraint(fields=('channel', 'code'), name='catalog_shipping_zone_code_unique'),
        ),
        migrations.AddConstraint(
            model_name='shippingzone',
            constraint=models.UniqueConstraint(fields=('id', 'channel'), name='catalog_shipping_zone_of_channel'),
        ),
        migrations.AddConstraint(
            model_name='shippingmethod',
            constraint=models.UniqueConstraint(fields=('zone', 'code'), name='catalog_shipping_method_code_unique'),
        ),
        migrations.AddConstraint(
            model_name='shippingmethod',
            constraint=models.CheckConstraint(condition=models.Q(('days_max__gte', models.F('days_min'))), name='catalog_shipping_method_days'),
        ),
        migrations.AddConstraint(
            model_name='shippingarea',
            constraint=models.UniqueConstraint(fields=('channel', 'country', 'region', 'postcode_prefix'), name='catalog_shipping_area_unique'),
        ),
        migrations.AddConstraint(
            model_name='fee',
            constraint=models.UniqueConstraint(condition=models.Q(('archived_at', None)), fields=('channel', 'code', 'currency', 'zone'), name='catalog_fee_one_live', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='fee',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gte', 0), ('rate__gte', 0), ('rate__lte', 1)), name='catalog_fee_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='taxrate',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=[('channel', '='), ('country', '='), ('tax_category', '='), ('region', '='), ('postcode_prefix', '='), (models.Func(models.F('valid_from'), models.F('valid_until'), function='daterange', output_field=django.contrib.postgres.fields.ranges.DateRangeField()), '&&')], name='catalog_tax_rate_no_overlap'),
        ),
        migrations.AddConstraint(
            model_name='taxrate',
            constraint=models.CheckConstraint(condition=models.Q(('rate__gte', 0), ('rate__lte', 1)), name='catalog_tax_rate_fraction'),
        ),
        migrations.AddConstraint(
            model_name='taxrate',
            constraint=models.CheckConstraint(condition=models.Q(('rate', 0), ('treatment', 'standard'), _connector='OR'), name='catalog_tax_rate_only_standard'),
        ),
        migrations.AddConstraint(
            model_name='taxrate',
            constraint=models.CheckConstraint(condition=models.Q(('valid_until', None), ('valid_until__gt', models.F('valid_from')), _connector='OR'), name='catalog_tax_rate_validity'),
        ),
        migrations.RunSQL(SAME_CHANNEL, UNDO_SAME_CHANNEL),
    ]
