"""Cases of customers who ask for money back and whom no rule answers."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('oversight', '0006_guards_of_approvals'),
    ]

    operations = [
        migrations.AlterField(
            model_name='case',
            name='type',
            field=models.CharField(choices=[('payment_in_doubt', 'Payment In Doubt'), ('payment_pending_too_long', 'Payment Pending Too Long'), ('amount_mismatch', 'Amount Mismatch'), ('currency_mismatch', 'Currency Mismatch'), ('livemode_mismatch', 'Livemode Mismatch'), ('excess_captured', 'Excess Captured'), ('late_money', 'Late Money'), ('give_back_failed', 'Give Back Failed'), ('capture_reversed', 'Capture Reversed'), ('external_refund', 'External Refund'), ('refund_beyond_accepted', 'Refund Beyond Accepted'), ('stock_review', 'Stock Review'), ('coupon_honoured_late', 'Coupon Honoured Late'), ('unmatched_webhook', 'Unmatched Webhook'), ('webhook_dead', 'Webhook Dead'), ('unknown_provider_object', 'Unknown Provider Object'), ('ledger_mismatch', 'Ledger Mismatch'), ('provider_refused', 'Provider Refused'), ('dispute_opened', 'Dispute Opened'), ('dispute_lost', 'Dispute Lost'), ('early_fraud_warning', 'Early Fraud Warning'), ('refund_claimed', 'Refund Claimed'), ('refund_failed', 'Refund Failed'), ('refund_pending_too_long', 'Refund Pending Too Long'), ('authorization_expiring', 'Authorization Expiring'), ('fulfilled_after_return', 'Fulfilled After Return')], max_length=48),
        ),
    ]
