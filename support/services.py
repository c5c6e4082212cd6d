"""What the console does."""

from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.utils import decrypt

from accounts.models import StaffRole, User
from accounts.services import create_staff
from core.db import transaction_required
from support.demo import require_demo


@transaction_required
def ensure_demo_staff(*, email: str, role: StaffRole, password: str, totp_secret: str, now: datetime) -> User:
    """This will see to it that a staff user of the demo exists with this role, this password and this authenticator
    secret (base32). Its administrator is a superuser.

    Doing it again changes nothing, so that sessions survive. Needs its caller's transaction.
    Raises: DemoRefused; EmailInvalid, PasswordRefused.
    """
    require_demo()
    user = User.objects.filter(email=email.lower()).first()
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
