"""Approvals of a second person, and what staff did within their limits."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0013_limits'),
        ('oversight', '0004_money_cases'),
    ]

    operations = [
        migrations.CreateModel(
            name='Approval',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(max_length=40, unique=True)),
                ('action', models.CharField(choices=[('refund', 'Refund'), ('goodwill_refund', 'Goodwill Refund'), ('offline_refund', 'Offline Refund'), ('refund_while_disputed', 'Refund While Disputed'), ('void', 'Void'), ('capture', 'Capture'), ('cancel', 'Cancel'), ('release_hold', 'Release Hold'), ('accept_mismatch', 'Accept Mismatch'), ('replay', 'Replay')], max_length=32)),
                ('subject_id', models.CharField(help_text='Public id of what will be acted on.', max_length=40)),
                ('order_public_id', models.CharField(blank=True, db_index=True, max_length=40)),
                ('amount_minor', models.BigIntegerField(null=True)),
                ('currency', models.CharField(blank=True, max_length=3)),
                ('reason_code', models.CharField(choices=[('customer_request', 'Customer Request'), ('damaged', 'Damaged'), ('not_received', 'Not Received'), ('wrong_item', 'Wrong Item'), ('late', 'Late'), ('goodwill', 'Goodwill'), ('duplicate', 'Duplicate'), ('fraud_suspected', 'Fraud Suspected'), ('price_error', 'Price Error'), ('cancellation', 'Cancellation'), ('dispute_accepted', 'Dispute Accepted'), ('other', 'Other')], max_length=32)),
                ('note', models.CharField(blank=True, max_length=500)),
                ('request_digest', models.CharField(max_length=64)),
                ('requested_by', models.CharField(max_length=64)),
                ('requested_at', models.DateTimeField()),
                ('status', models.CharField(choices=[('requested', 'Requested'), ('approved', 'Approved'), ('rejected', 'Rejected'), ('withdrawn', 'Withdrawn'), ('expired', 'Expired'), ('executed', 'Executed')], max_length=16)),
                ('decided_by', models.CharField(blank=True, max_length=64)),
                ('decided_at', models.DateTimeField(null=True)),
                ('decision_note', models.CharField(blank=True, max_length=500)),
                ('expires_at', models.DateTimeField()),
                ('executed_at', models.DateTimeField(null=True)),
                ('trace_id', models.CharField(blank=True, max_length=40)),
            ],
            options={
                'indexes': [models.Index(fields=['status', 'expires_at'], name='oversight_approval_due')],
                'constraints': [models.CheckConstraint(condition=models.Q(('decided_by', models.F('requested_by')), _negated=True), name='oversight_approval_second_person'), models.CheckConstraint(condition=models.Q(models.Q(('decided_at', None), ('decided_by', ''), ('status__in', ['requested', 'withdrawn'])), models.Q(('decided_at__isnull', False), ('decided_by__regex', '^staff:usr_[0-9A-HJKMNP-TV-Z]{26}$'), ('status__in', ['approved', 'rejected', 'executed'])), models.Q(('decided_at', None), ('decided_by', ''), ('status', 'expired')), models.Q(('decided_at__isnull', False), ('decided_by__regex', '^staff:usr_[0-9A-HJKMNP-TV-Z]{26}$'), ('status', 'expired')), _connector='OR'), name='oversight_approval_decided_matches'), models.CheckConstraint(condition=models.Q(models.Q(('executed_at__isnull', False), ('status', 'executed')), models.Q(models.Q(('status', 'executed'), _negated=True), ('executed_at', None)), _connector='OR'), name='oversight_approval_executed_matches'), models.CheckConstraint(condition=models.Q(('requested_at__lt', models.F('expires_at')), models.Q(('decided_at', None), ('decided_at__lt', models.F('expires_at')), _connector='OR'), models.Q(('executed_at', None), ('executed_at__lt', models.F('expires_at')), _connector='OR')), name='oversight_approval_in_time'), models.CheckConstraint(condition=models.Q(('action__in', ['refund', 'goodwill_refund', 'offline_refund', 'refund_while_disputed', 'void', 'capture', 'cancel', 'release_hold', 'accept_mismatch', 'replay']), ('reason_code__in', ['customer_request', 'damaged', 'not_received', 'wrong_item', 'late', 'goodwill', 'duplicate', 'fraud_suspected', 'price_error', 'cancellation', 'dispute_accepted', 'other']), ('request_digest__regex', '^[0-9a-f]{64}$'), ('requested_by__regex', '^staff:usr_[0-9A-HJKMNP-TV-Z]{26}$')), name='oversight_approval_codes_known'), models.CheckConstraint(condition=models.Q(models.Q(('reason_code', 'other'), _negated=True), models.Q(('note', ''), _negated=True), _connector='OR'), name='oversight_approval_other_says_why'), models.CheckConstraint(condition=models.Q(models.Q(('amount_minor__gt', 0), ('currency__regex', '^[A-Z]{3}$')), models.Q(('amount_minor', None), ('currency', ''), models.Q(('action__in', ['refund', 'goodwill_refund', 'offline_refund', 'refund_while_disputed', 'void', 'capture', 'accept_mismatch']), _negated=True)), _connector='OR'), name='oversight_approval_money'), models.UniqueConstraint(condition=models.Q(('status__in', ['requested', 'approved'])), fields=('action', 'subject_id', 'request_digest'), name='oversight_approval_one_open')],
            },
        ),
        migrations.CreateModel(
            name='StaffAct',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('actor', models.CharField(max_length=64)),
                ('role', models.CharField(choices=[('support', 'Support'), ('supervisor', 'Supervisor'), ('finance', 'Finance'), ('administrator', 'Administrator')], max_length=16)),
                ('action', models.CharField(choices=[('refund', 'Refund'), ('goodwill_refund', 'Goodwill Refund'), ('offline_refund', 'Offline Refund'), ('refund_while_disputed', 'Refund While Disputed'), ('void', 'Void'), ('capture', 'Capture'), ('cancel', 'Cancel'), ('release_hold', 'Release Hold'), ('accept_mismatch', 'Accept Mismatch'), ('replay', 'Replay')], max_length=32)),
                ('subject_id', models.CharField(db_index=True, help_text='Public id of what was acted on.', max_length=40)),
                ('order_public_id', models.CharField(blank=True, max_length=40)),
                ('amount_minor', models.BigIntegerField(null=True)),
                ('currency', models.CharField(blank=True, max_length=3)),
                ('business_on', models.DateField(help_text="The day in the channel's zone.")),
                ('reason_code', models.CharField(choices=[('customer_request', 'Customer Request'), ('damaged', 'Damaged'), ('not_received', 'Not Received'), ('wrong_item', 'Wrong Item'), ('late', 'Late'), ('goodwill', 'Goodwill'), ('duplicate', 'Duplicate'), ('fraud_suspected', 'Fraud Suspected'), ('price_error', 'Price Error'), ('cancellation', 'Cancellation'), ('dispute_accepted', 'Dispute Accepted'), ('other', 'Other')], max_length=32)),
                ('note', models.CharField(blank=True, max_length=500)),
                ('request_digest', models.CharField(help_text='SHA-256 of exactly what was done.', max_length=64)),
                ('approval_id', models.CharField(blank=True, help_text='Public id of the approval it used.', max_length=40)),
                ('policy_version', models.PositiveIntegerField(help_text='Of policy `limits`, which the following are from.')),
                ('act_max_minor', models.BigIntegerField(null=True)),
                ('order_max_minor', models.BigIntegerField(null=True)),
                ('day_max_minor', models.BigIntegerField(null=True)),
                ('approval_above_minor', models.BigIntegerField(null=True)),
                ('recorded_at', models.DateTimeField()),
                ('trace_id', models.CharField(blank=True, max_length=40)),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.saleschannel')),
            ],
            options={
                'indexes': [models.Index(fields=['order_public_id', 'action', 'currency'], name='oversight_staffact_order'), models.Index(fields=['actor', 'action', 'currency', 'business_on'], name='oversight_staffact_day')],
                'constraints': [models.CheckConstraint(condition=models.Q(('action__in', ['refund', 'goodwill_refund', 'offline_refund', 'refund_while_disputed', 'void', 'capture', 'cancel', 'release_hold', 'accept_mismatch', 'replay']), ('actor__regex', '^staff:usr_[0-9A-HJKMNP-TV-Z]{26}$'), ('reason_code__in', ['customer_request', 'damaged', 'not_received', 'wrong_item', 'late', 'goodwill', 'duplicate', 'fraud_suspected', 'price_error', 'cancellation', 'dispute_accepted', 'other']), ('request_digest__regex', '^[0-9a-f]{64}$'), ('role__in', ['support', 'supervisor', 'finance', 'administrator'])), name='oversight_staffact_codes_known'), models.CheckConstraint(condition=models.Q(models.Q(('reason_code', 'other'), _negated=True), models.Q(('note', ''), _negated=True), _connector='OR'), name='oversight_staffact_other_says_why'), models.CheckConstraint(condition=models.Q(models.Q(('amount_minor__gt', 0), ('currency__regex', '^[A-Z]{3}$')), models.Q(('amount_minor', None), ('currency', ''), models.Q(('action__in', ['refund', 'goodwill_refund', 'offline_refund', 'refund_while_disputed', 'void', 'capture', 'accept_mismatch']), _negated=True)), _connector='OR'), name='oversight_staffact_money'), models.CheckConstraint(condition=models.Q(('amount_minor', None), ('act_max_minor', None), ('amount_minor__lte', models.F('act_max_minor')), _connector='OR'), name='oversight_staffact_per_act'), models.CheckConstraint(condition=models.Q(('amount_minor', None), ('approval_above_minor', None), ('amount_minor__lte', models.F('approval_above_minor')), models.Q(('approval_id', ''), _negated=True), _connector='OR'), name='oversight_staffact_second_person'), models.UniqueConstraint(condition=models.Q(('approval_id', ''), _negated=True), fields=('approval_id',), name='oversight_staffact_one_approval')],
            },
        ),
    ]
