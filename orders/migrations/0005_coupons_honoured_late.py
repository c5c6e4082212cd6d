"""A reason for the history: a coupon counted outside its limit."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0004_payment_token_expired'),
    ]

    operations = [
        migrations.AlterField(
            model_name='orderevent',
            name='reason',
            field=models.CharField(choices=[('order_placed', 'Order Placed'), ('provider_acknowledged', 'Provider Acknowledged'), ('provider_payment_authorized', 'Provider Payment Authorized'), ('provider_payment_succeeded', 'Provider Payment Succeeded'), ('provider_payment_failed', 'Provider Payment Failed'), ('provider_capture_failed', 'Provider Capture Failed'), ('reconciliation_provider_succeeded', 'Reconciliation Provider Succeeded'), ('reconciliation_provider_failed', 'Reconciliation Provider Failed'), ('reservation_expired', 'Reservation Expired'), ('authorization_lapsed', 'Authorization Lapsed'), ('checkout_abandoned', 'Checkout Abandoned'), ('payment_token_expired', 'Payment Token Expired'), ('customer_cancelled', 'Customer Cancelled'), ('staff_cancelled', 'Staff Cancelled'), ('risk_refused', 'Risk Refused'), ('refund_requested', 'Refund Requested'), ('refund_succeeded', 'Refund Succeeded'), ('external_refund', 'External Refund'), ('given_back', 'Given Back'), ('give_back_failed', 'Give Back Failed'), ('excess_recorded', 'Excess Recorded'), ('dispute_lost', 'Dispute Lost'), ('capture_reversed', 'Capture Reversed'), ('due_adjusted', 'Due Adjusted'), ('cancel_requested', 'Cancel Requested'), ('attempt_opened', 'Attempt Opened'), ('attempt_changed', 'Attempt Changed'), ('hold_opened', 'Hold Opened'), ('hold_released', 'Hold Released'), ('refund_reversed', 'Refund Reversed'), ('capture_requested', 'Capture Requested'), ('reservation_extended', 'Reservation Extended'), ('stock_returned', 'Stock Returned'), ('stock_reserved_again', 'Stock Reserved Again'), ('coupon_honoured_late', 'Coupon Honoured Late'), ('fulfillment_requested', 'Fulfillment Requested'), ('fulfillment_recorded', 'Fulfillment Recorded'), ('windows_over', 'Windows Over')], max_length=40),
        ),
    ]
