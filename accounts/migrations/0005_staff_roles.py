"""What a member of staff may do; nobody has a role before it is given."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_tax_ids'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='staff_role',
            field=models.CharField(blank=True, choices=[('support', 'Support'), ('supervisor', 'Supervisor'), ('finance', 'Finance'), ('administrator', 'Administrator')], default='', help_text='Empty: may read alone.', max_length=16),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(('staff_role', ''), models.Q(('is_staff', True), ('staff_role__in', ['support', 'supervisor', 'finance', 'administrator'])), _connector='OR'), name='accounts_user_role_of_staff'),
        ),
    ]
