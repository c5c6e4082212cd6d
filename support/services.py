"""What the console does."""

from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.utils import decrypt

from accounts.models import StaffRole, User
from accounts.services import create_staff
from checkout.services import issue_payment_link
from checkout.services.payment_links import TimedToken
from core.cause import Cause
from core.db import one_or_none, transaction, transaction_required
from core.wire import instant_json
from orders.models import Order
from oversight.services import record_audit
from support.demo import require_demo


def issue_link_for_customer(order: Order, *, cause: Cause) -> TimedToken:
    """This will make a link by which whoever gets it pays the order, also anew where an authorization lapsed, and note
    who made it. Opens its own transactions. Raises: NothingToPayByLink.
    """
    link = issue_payment_link(order, cause=cause)
    with transaction("support.payment_link"):
        facts = {"expires_at": instant_json(link.expires_at)}
        record_audit(action="payment_link_issued", subject_id=order.public_id, cause=cause, after=facts)
    return link


@transaction_required
def ensure_demo_staff(*, email: str, role: StaffRole, password: str, totp_secret: str, now: datetime) -> User:
    """This will see to it that a staff user of the demo exists with this role, this password and this authenticator
    secret (base32). Its administrator is a superuser.

    Doing it again changes nothing, so that sessions survive. Needs its caller's transaction.
    Raises: DemoRefused; EmailInvalid, PasswordRefused.
    """
    require_demo()
    user = one_or_none(User.objects.filter(email=email.lower()))
    if user is None:
        user = create_staff(email=email, password=password, name=f"Demo {role.label.lower()}", now=now)
    if not user.check_password(password):
        user.set_password(password)
    user.is_staff = user.is_active = True
    user.is_superuser = role is StaffRole.ADMINISTRATOR
    user.staff_role = role
    user.save()
    authenticator = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
    if authenticator is None or decrypt(authenticator.data["secret"]) != totp_secret:
        Authenticator.objects.filter(user=user).delete()
        TOTP.activate(user, totp_secret)
    return user
