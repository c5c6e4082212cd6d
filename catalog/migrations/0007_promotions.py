"""Promotions, their codes, and uses that are counted against limits and never deleted."""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.lookups
from django.conf import settings
from django.db import migrations, models

from core import guards

# As in catalog.models.promotions.USE_MOVES on the day this was written.
USE_MOVES = {("held", "used"), ("held", "given_back"), ("used", "given_back"), ("given_back", "honoured_late")}
USE_FROZEN = [
    "public_id", "promotion_id", "coupon_id", "order_public_id", "customer_key", "contact_key", "period_key", "held_at",
]  # fmt: skip
SQL = (
    guards.state_machine("catalog_couponuse", "status", births=["held"], moves=USE_MOVES)
    + guards.frozen_columns("catalog_couponuse", USE_FROZEN)
    + guards.write_once_columns("catalog_couponuse", ["used_at", "given_back_at", "honoured_at"])
    + guards.no_delete("catalog_couponuse")
    + guards.no_delete("catalog_coupon")
    + guards.frozen_columns("catalog_coupon", ["promotion_id", "channel_id", "code_key", "customer_id"])
    + guards.no_delete("catalog_promotion")
    + guards.no_delete("catalog_promotioncount")
    + guards.frozen_columns("catalog_promotioncount", ["promotion_id", "scope", "key"])
)


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0006_payable_amounts'),
        ('core', '0006_locales'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Coupon',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(help_text='As it is printed.', max_length=40)),
                ('code_key', models.CharField(max_length=40)),
                ('uses_max', models.PositiveIntegerField(null=True)),
                ('created_at', models.DateTimeField()),
                ('archived_at', models.DateTimeField(null=True)),
                ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.saleschannel')),
                ('customer', models.ForeignKey(help_text='Theirs alone.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Promotion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(max_length=40, unique=True)),
                ('name', models.CharField(help_text='As customers read it.', max_length=120)),
                ('kind', models.CharField(choices=[('percent', 'Percent'), ('fixed', 'Fixed'), ('free_shipping', 'Free Shipping')], max_length=16)),
                ('rate', models.DecimalField(decimal_places=6, default=0, help_text='Of percent: 0.1 is 10 %.', max_digits=7)),
                ('is_combinable', models.BooleanField(default=False, help_text='May stand beside others that are, too.')),
                ('is_first_order_only', models.BooleanField(default=False)),
                ('valid_from', models.DateTimeField()),
                ('valid_until', models.DateTimeField(null=True)),
                ('uses_max', models.PositiveIntegerField(null=True)),
                ('uses_per_customer_max', models.PositiveIntegerField(null=True)),
                ('period', models.CharField(blank=True, choices=[('day', 'Day'), ('week', 'Week'), ('month', 'Month')], max_length=8)),
                ('uses_per_period_max', models.PositiveIntegerField(null=True)),
                ('created_at', models.DateTimeField()),
                ('archived_at', models.DateTimeField(null=True)),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.saleschannel')),
            ],
        ),
        migrations.CreateModel(
            name='CouponUse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(max_length=40, unique=True)),
                ('order_public_id', models.CharField(max_length=40)),
                ('status', models.CharField(choices=[('held', 'Held'), ('used', 'Used'), ('given_back', 'Given Back'), ('honoured_late', 'Honoured Late')], max_length=16)),
                ('customer_key', models.CharField(blank=True, help_text='The account, if there is one.', max_length=80)),
                ('contact_key', models.CharField(help_text='The digest of the address to reach them.', max_length=80)),
                ('period_key', models.CharField(blank=True, max_length=10)),
                ('held_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(null=True)),
                ('given_back_at', models.DateTimeField(null=True)),
                ('honoured_at', models.DateTimeField(null=True)),
                ('coupon', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='uses', to='catalog.coupon')),
                ('promotion', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='uses', to='catalog.promotion')),
            ],
        ),
        migrations.AddField(
            model_name='coupon',
            name='promotion',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='coupons', to='catalog.promotion'),
        ),
        migrations.CreateModel(
            name='PromotionArticle',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_excluded', models.BooleanField()),
                ('category', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.category')),
                ('product', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.product')),
                ('promotion', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='articles', to='catalog.promotion')),
            ],
        ),
        migrations.CreateModel(
            name='PromotionCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(choices=[('coupon', "Coupon: the coupon's row id"), ('customer', 'Customer: their account or the digest of their address'), ('period', 'Period: the day, week or month'), ('total', 'Total: nothing')], max_length=8)),
                ('key', models.CharField(blank=True, max_length=80)),
                ('uses_count', models.PositiveIntegerField()),
                ('uses_max', models.PositiveIntegerField(null=True)),
                ('promotion', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='counts', to='catalog.promotion')),
            ],
        ),
        migrations.CreateModel(
            name='PromotionFigure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('currency', models.CharField(max_length=3)),
                ('amount_minor', models.BigIntegerField(default=0)),
                ('minimum_minor', models.BigIntegerField(default=0)),
                ('promotion', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='figures', to='catalog.promotion')),
            ],
        ),
        migrations.AddConstraint(
            model_name='promotion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'percent'), ('rate__gt', 0), ('rate__lte', 1)), models.Q(models.Q(('kind', 'percent'), _negated=True), ('rate', 0)), _connector='OR'), name='catalog_promotion_rate_of_percent'),
        ),
        migrations.AddConstraint(
            model_name='promotion',
            constraint=models.CheckConstraint(condition=models.Q(('valid_until__isnull', True), ('valid_until__gt', models.F('valid_from')), _connector='OR'), name='catalog_promotion_valid_some_time'),
        ),
        migrations.AddConstraint(
            model_name='promotion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('period', ''), ('uses_per_period_max__isnull', True)), models.Q(models.Q(('period', ''), _negated=True), ('uses_per_period_max__isnull', False)), _connector='OR'), name='catalog_promotion_period_has_limit'),
        ),
        migrations.AddConstraint(
            model_name='promotion',
            constraint=models.CheckConstraint(condition=models.Q(('uses_max__isnull', True), ('uses_max__gte', 1), _connector='OR'), name='catalog_promotion_uses_max_some'),
        ),
        migrations.AddConstraint(
            model_name='promotion',
            constraint=models.CheckConstraint(condition=models.Q(('uses_per_customer_max__isnull', True), ('uses_per_customer_max__gte', 1), _connector='OR'), name='catalog_promotion_uses_per_customer_max_some'),
        ),
        migrations.AddConstraint(
            model_name='promotion',
            constraint=models.CheckConstraint(condition=models.Q(('uses_per_period_max__isnull', True), ('uses_per_period_max__gte', 1), _connector='OR'), name='catalog_promotion_uses_per_period_max_some'),
        ),
        migrations.AddIndex(
            model_name='couponuse',
            index=models.Index(fields=['promotion', '-id'], name='catalog_coupon_use_of'),
        ),
        migrations.AddConstraint(
            model_name='couponuse',
            constraint=models.UniqueConstraint(fields=('order_public_id', 'promotion'), name='catalog_coupon_use_once'),
        ),
        migrations.AddConstraint(
            model_name='coupon',
            constraint=models.UniqueConstraint(fields=('channel', 'code_key'), name='catalog_coupon_code_unique'),
        ),
        migrations.AddConstraint(
            model_name='coupon',
            constraint=models.CheckConstraint(condition=models.Q(('uses_max__isnull', True), ('uses_max__gte', 1), _connector='OR'), name='catalog_coupon_uses_max_some'),
        ),
        migrations.AddConstraint(
            model_name='promotionarticle',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('category__isnull', True), ('product__isnull', False)), models.Q(('category__isnull', False), ('product__isnull', True)), _connector='OR'), name='catalog_promotion_article_is_one'),
        ),
        migrations.AddConstraint(
            model_name='promotioncount',
            constraint=models.UniqueConstraint(fields=('promotion', 'scope', 'key'), name='catalog_promotion_count_unique'),
        ),
        migrations.AddConstraint(
            model_name='promotioncount',
            constraint=models.CheckConstraint(condition=models.Q(('uses_max__isnull', True), ('uses_count__lte', models.F('uses_max')), _connector='OR'), name='catalog_promotion_count_within'),
        ),
        migrations.AddConstraint(
            model_name='promotionfigure',
            constraint=models.UniqueConstraint(fields=('promotion', 'currency'), name='catalog_promotion_figure_unique'),
        ),
        migrations.AddConstraint(
            model_name='promotionfigure',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gte', 0), ('minimum_minor__gte', 0)), name='catalog_promotion_figure_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='promotionfigure',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('currency__in', ['BHD', 'JOD', 'KWD', 'OMR', 'TND']), _negated=True), models.Q(('currency__in', ['BHD', 'JOD', 'KWD', 'OMR', 'TND']), django.db.models.lookups.Exact(django.db.models.expressions.CombinedExpression(models.F('amount_minor'), '%%', models.Value(10)), 0)), _connector='OR'), name='catalog_promotion_figure_payable'),
        ),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
    ]
