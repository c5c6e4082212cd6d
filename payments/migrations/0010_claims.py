"""What customers ask back of paid orders: once decided it stays so, and what was asked never changes."""

import django.db.models.deletion
from django.db import migrations, models

from core import guards
from core.machines import MOVES


CLAIM_FROZEN = [
    "public_id", "order_id", "units", "amount_minor", "currency", "reason_code", "note", "rule", "policy_version",
    "requested_by", "requested_at", "trace_id",
]  # fmt: skip
REFUND_FROZEN = [
    "public_id", "order_id", "attempt_id", "origin", "amount_minor", "net_minor", "excess_minor", "currency", "claim_id",
    "is_goodwill", "is_during_dispute", "reason_code", "note", "requested_by", "bank", "trace_id", "requested_at",
]  # fmt: skip
SQL = (
    guards.state_machine(
        "payments_refundclaim", "status", births=["waiting", "granted", "refused"], moves=MOVES["refund_claim"]
    )
    + guards.frozen_columns("payments_refundclaim", CLAIM_FROZEN)
    + guards.no_delete("payments_refundclaim")
    + guards.frozen_columns("payments_refund", REFUND_FROZEN)
)


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0009_claims'),
        ('payments', '0009_kept'),
    ]

    operations = [
        migrations.CreateModel(
            name='RefundClaim',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(max_length=40, unique=True)),
                ('units', models.JSONField(default=dict, help_text='By the position of the line; empty is everything.')),
                ('amount_minor', models.BigIntegerField()),
                ('currency', models.CharField(max_length=3)),
                ('reason_code', models.CharField(choices=[('customer_request', 'Customer Request'), ('damaged', 'Damaged'), ('not_received', 'Not Received'), ('wrong_item', 'Wrong Item'), ('late', 'Late'), ('goodwill', 'Goodwill'), ('duplicate', 'Duplicate'), ('fraud_suspected', 'Fraud Suspected'), ('price_error', 'Price Error'), ('cancellation', 'Cancellation'), ('dispute_accepted', 'Dispute Accepted'), ('other', 'Other')], max_length=32)),
                ('note', models.CharField(blank=True, max_length=500)),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('granted', 'Granted'), ('refused', 'Refused')], max_length=16)),
                ('rule', models.CharField(choices=[('within_rules', 'Within Rules'), ('window_over', 'Window Over'), ('on_hold', 'On Hold'), ('goods_left', 'Goods Left'), ('refund_under_way', 'Refund Under Way'), ('above_amount', 'Above Amount')], max_length=24)),
                ('policy_version', models.PositiveIntegerField(help_text='Of policy `refunds`, which decided.')),
                ('requested_by', models.CharField(max_length=64)),
                ('requested_at', models.DateTimeField()),
                ('decided_by', models.CharField(blank=True, max_length=64)),
                ('decided_at', models.DateTimeField(null=True)),
                ('decision_note', models.CharField(blank=True, max_length=500)),
                ('trace_id', models.CharField(max_length=40)),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='claims', to='orders.order')),
            ],
        ),
        migrations.AddField(
            model_name='refund',
            name='claim',
            field=models.ForeignKey(help_text='What asked for it.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='payments.refundclaim'),
        ),
        migrations.AddIndex(
            model_name='refundclaim',
            index=models.Index(fields=['order', '-id'], name='payments_refundclaim_of_order'),
        ),
        migrations.AddIndex(
            model_name='refundclaim',
            index=models.Index(condition=models.Q(('status', 'waiting')), fields=['requested_at'], name='payments_refundclaim_waiting'),
        ),
        migrations.AddConstraint(
            model_name='refundclaim',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gt', 0)), name='payments_refundclaim_amount_positive'),
        ),
        migrations.AddConstraint(
            model_name='refundclaim',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at', None), ('decided_by', ''), ('status', 'waiting')), models.Q(models.Q(('status', 'waiting'), _negated=True), models.Q(('decided_by', ''), _negated=True), ('decided_at__isnull', False)), _connector='OR'), name='payments_refundclaim_decided'),
        ),
        migrations.AddConstraint(
            model_name='refundclaim',
            constraint=models.CheckConstraint(condition=models.Q(('reason_code__in', ['customer_request', 'damaged', 'not_received', 'wrong_item', 'late', 'goodwill', 'duplicate', 'fraud_suspected', 'price_error', 'cancellation', 'dispute_accepted', 'other']), ('rule__in', ['within_rules', 'window_over', 'on_hold', 'goods_left', 'refund_under_way', 'above_amount'])), name='payments_refundclaim_codes_known'),
        ),
        migrations.AddConstraint(
            model_name='refundclaim',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'waiting')), fields=('order',), name='payments_refundclaim_one_waiting'),
        ),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
    ]
