"""Pictures of products, and texts in other languages than the one the catalog is typed in."""

import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0003_categories'),
    ]

    operations = [
        migrations.CreateModel(
            name='Picture',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField(help_text='From 1; the first stands for the product.')),
                ('path', models.CharField(help_text='Of a static file.', max_length=200)),
                ('width', models.PositiveIntegerField(help_text='In CSS pixels, like the height.')),
                ('height', models.PositiveIntegerField()),
                ('alt', models.CharField(help_text='What it shows, for who does not see it.', max_length=300)),
                ('product', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='pictures', to='catalog.product')),
            ],
        ),
        migrations.CreateModel(
            name='PictureText',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('locale', models.CharField(max_length=6)),
                ('alt', models.CharField(blank=True, max_length=300)),
                ('picture', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='texts', to='catalog.picture')),
            ],
        ),
        migrations.CreateModel(
            name='ProductText',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('locale', models.CharField(max_length=6)),
                ('name', models.CharField(blank=True, max_length=200)),
                ('description', models.TextField(blank=True)),
                ('product', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='texts', to='catalog.product')),
            ],
        ),
        migrations.CreateModel(
            name='VariantText',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('locale', models.CharField(max_length=6)),
                ('name', models.CharField(blank=True, max_length=200)),
                ('variant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='texts', to='catalog.variant')),
            ],
        ),
        migrations.CreateModel(
            name='CategoryText',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('locale', models.CharField(max_length=6)),
                ('name', models.CharField(blank=True, max_length=200)),
                ('category', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='texts', to='catalog.category')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('category', 'locale'), name='catalog_categorytext_unique'), models.CheckConstraint(condition=models.Q(('locale__regex', '^[a-z]{2,3}(-[A-Z]{2})?$')), name='catalog_categorytext_locale')],
            },
        ),
        migrations.AddConstraint(
            model_name='picture',
            constraint=models.UniqueConstraint(fields=('product', 'path'), name='catalog_picture_unique'),
        ),
        migrations.AddConstraint(
            model_name='picture',
            constraint=models.CheckConstraint(condition=models.Q(('height__gte', 1), ('position__gte', 1), ('width__gte', 1)), name='catalog_picture_size'),
        ),
        migrations.AddConstraint(
            model_name='picture',
            constraint=models.CheckConstraint(condition=models.Q(('path__regex', '^[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*\\.[a-z0-9]+$')), name='catalog_picture_path'),
        ),
        migrations.AddConstraint(
            model_name='picture',
            constraint=models.CheckConstraint(condition=models.Q(('alt', ''), _negated=True), name='catalog_picture_alt_said'),
        ),
        migrations.AddConstraint(
            model_name='picturetext',
            constraint=models.UniqueConstraint(fields=('picture', 'locale'), name='catalog_picturetext_unique'),
        ),
        migrations.AddConstraint(
            model_name='picturetext',
            constraint=models.CheckConstraint(condition=models.Q(('locale__regex', '^[a-z]{2,3}(-[A-Z]{2})?$')), name='catalog_picturetext_locale'),
        ),
        migrations.AddIndex(
            model_name='producttext',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('name'), name='gin_trgm_ops'), name='catalog_producttext_name'),
        ),
        migrations.AddConstraint(
            model_name='producttext',
            constraint=models.UniqueConstraint(fields=('product', 'locale'), name='catalog_producttext_unique'),
        ),
        migrations.AddConstraint(
            model_name='producttext',
            constraint=models.CheckConstraint(condition=models.Q(('locale__regex', '^[a-z]{2,3}(-[A-Z]{2})?$')), name='catalog_producttext_locale'),
        ),
        migrations.AddConstraint(
            model_name='varianttext',
            constraint=models.UniqueConstraint(fields=('variant', 'locale'), name='catalog_varianttext_unique'),
        ),
        migrations.AddConstraint(
            model_name='varianttext',
            constraint=models.CheckConstraint(condition=models.Q(('locale__regex', '^[a-z]{2,3}(-[A-Z]{2})?$')), name='catalog_varianttext_locale'),
        ),
    ]
