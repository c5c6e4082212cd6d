"""Tax ids of businesses beside their addresses."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_addresses'),
    ]

    operations = [
        migrations.AddField(
            model_name='customeraddress',
            name='tax_id',
            field=models.CharField(blank=True, help_text="A business's, with its country's letters.", max_length=32),
        ),
    ]
