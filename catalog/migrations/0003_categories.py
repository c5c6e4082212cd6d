"""Categories, an index for every way into the shop window, and no product on another shop's shelf."""

import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.text
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models

# Django's own foreign key names the category alone; this one holds that product and category are of one shop.
SAME_CHANNEL = """
ALTER TABLE catalog_product ADD CONSTRAINT catalog_product_category_of_channel
    FOREIGN KEY (category_id, channel_id) REFERENCES catalog_category (id, channel_id);
"""
UNDO_SAME_CHANNEL = "ALTER TABLE catalog_product DROP CONSTRAINT catalog_product_category_of_channel;"


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0002_guards'),
        ('core', '0003_default_policies'),
    ]

    operations = [
        # Trusted since PostgreSQL 13: whoever owns the database may install it.
        TrigramExtension(),
        migrations.CreateModel(
            name='Category',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(max_length=80)),
                ('name', models.CharField(max_length=200)),
                ('position', models.PositiveIntegerField(help_text='The window shows lower ones first.')),
                ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='categories', to='core.saleschannel')),
            ],
        ),
        migrations.AddField(
            model_name='product',
            name='category',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='products', to='catalog.category'),
        ),
        migrations.AddIndex(
            model_name='product',
            index=models.Index(condition=models.Q(('archived_at', None), ('is_published', True)), fields=['channel', '-id'], name='catalog_product_window'),
        ),
        migrations.AddIndex(
            model_name='product',
            index=models.Index(fields=['category', '-id'], name='catalog_product_on_shelf'),
        ),
        migrations.AddIndex(
            model_name='product',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('name'), name='gin_trgm_ops'), condition=models.Q(('archived_at', None), ('is_published', True)), name='catalog_product_name'),
        ),
        migrations.AddIndex(
            model_name='category',
            index=models.Index(fields=['channel', 'position', 'id'], name='catalog_category_shown'),
        ),
        migrations.AddConstraint(
            model_name='category',
            constraint=models.UniqueConstraint(fields=('channel', 'slug'), name='catalog_category_slug_unique'),
        ),
        migrations.AddConstraint(
            model_name='category',
            constraint=models.UniqueConstraint(fields=('id', 'channel'), name='catalog_category_of_channel'),
        ),
        migrations.RunSQL(SAME_CHANNEL, UNDO_SAME_CHANNEL),
    ]
