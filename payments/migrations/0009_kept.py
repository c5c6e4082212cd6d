"""What a payment keeps of earlier charges; and an operation whose money was taken back may bring it again."""

from django.db import migrations, models

from core import guards
from core.machines import MOVES

MACHINE = guards.state_machine("payments_operation", "status", births=["created", "sent"], moves=MOVES["operation"])


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0013_limits'),
        ('orders', '0008_closing_index'),
        ('payments', '0008_holding_index'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='paymentattempt',
            name='payments_attempt_money_positive',
        ),
        migrations.AddField(
            model_name='paymentattempt',
            name='kept_minor',
            field=models.BigIntegerField(default=0, help_text='Of what was captured: by earlier charges of this payment, and not taken back with them.'),
        ),
        migrations.AddConstraint(
            model_name='paymentattempt',
            constraint=models.CheckConstraint(condition=models.Q(('authorized_minor__gte', 0), ('captured_minor__gte', 0), ('excess_minor__gte', 0), ('returned_minor__gte', 0), ('kept_minor__gte', 0), ('lost_minor__gte', 0), ('offline_minor__gte', 0), ('reversed_minor__gte', 0), ('withdrawn_minor__gte', 0)), name='payments_attempt_money_positive'),
        ),
        migrations.RunSQL(MACHINE, migrations.RunSQL.noop),
    ]
