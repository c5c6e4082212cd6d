"""People and programs that may ask for something: customers and staff, guests by token, services by credential."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint
from django.db.models.functions import Lower

from accounts.addresses import ADDRESS_FIELDS, PostalAddress, address_of


class StaffRole(models.TextChoices):
    """What a member of staff may do; policy `limits` says how much of it. One role each."""

    SUPPORT = "support"
    SUPERVISOR = "supervisor"
    FINANCE = "finance"
    ADMINISTRATOR = "administrator"


class UserQuerySet(BaseUserManager["User"]):
    """Django's log-in machinery asks for users by e-mail here; everything else goes through services."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """This will find a user by e-mail, whatever its case."""
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A customer or a member of staff; the e-mail address is the login."""

    public_id = models.CharField(max_length=40, unique=True)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150, blank=True)
    locale = models.CharField(max_length=16, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    staff_role = models.CharField(max_length=16, blank=True, choices=StaffRole, help_text="Empty: may read alone.")
    created_at = models.DateTimeField()

    objects: ClassVar[UserQuerySet] = UserQuerySet()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        """Addresses are stored in lower case, so that one person is one row. Only staff have a role."""

        constraints = [
            CheckConstraint(condition=Q(email=Lower("email")), name="accounts_user_email_lower_case"),
            CheckConstraint(
                condition=Q(staff_role="") | Q(is_staff=True, staff_role__in=StaffRole.values),
                name="accounts_user_role_of_staff",
            ),
        ]

    def __str__(self) -> str:
        """Show the public id: an address does not belong into logs."""
        return self.public_id

    @property
    def role(self) -> str:
        """The role this user acts in now, "" for none: a superuser is an administrator, who left has none."""
        if not (self.is_staff and self.is_active):
            return ""
        return StaffRole.ADMINISTRATOR.value if self.is_superuser else self.staff_role


class PostalFields(models.Model):
    """Where somebody is, in their country's form (`accounts.addresses`). Personal: erasable, and never logged."""

    name = models.CharField(max_length=200, blank=True)
    line1 = models.CharField(max_length=200, blank=True)
    line2 = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=120, blank=True)
    region = models.CharField(max_length=80, blank=True, help_text="The country's own code where it has codes.")
    postcode = models.CharField(max_length=16, blank=True)
    country = models.CharField(max_length=2)
    phone = models.CharField(max_length=32, blank=True, help_text="E.164.")
    tax_id = models.CharField(max_length=32, blank=True, help_text="A business's, with its country's letters.")

    class Meta:
        """Columns for tables of others."""

        abstract = True


class CustomerAddress(PostalFields):
    """An address a customer keeps for the next time."""

    public_id = models.CharField(max_length=40, unique=True)
    customer = models.ForeignKey(User, on_delete=models.CASCADE, related_name="addresses")
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        """At most one default."""

        constraints = [
            UniqueConstraint(fields=["customer"], condition=Q(is_default=True), name="accounts_address_one_default")
        ]

    def __str__(self) -> str:
        """Show the public id, not where somebody lives."""
        return self.public_id

    def as_address(self) -> PostalAddress:
        """This will return the fields of the address alone."""
        return address_of({name: getattr(self, name) for name in ADDRESS_FIELDS})


class AccessToken(models.Model):
    """What a guest holds instead of an account: bound to one cart or order and to purposes, expiring, revocable."""

    class Purpose(models.TextChoices):
        """What the bearer may do with the subject. A `link` only trades itself for the others; `elsewhere` says that
        the bearer came by one.
        """

        CART = "cart"
        VIEW = "view"
        PAY = "pay"
        LINK = "link"
        ELSEWHERE = "elsewhere"

    token_sha256 = models.CharField(max_length=64, unique=True)
    subject_id = models.CharField(max_length=40, db_index=True, help_text="Public id of the cart or order.")
    purposes = ArrayField(models.CharField(max_length=16, choices=Purpose))
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        """Show the subject; the token itself is not stored."""
        return f"token for {self.subject_id}"


class ServiceCredential(models.Model):
    """A program of ours or a partner's: the replay, a back office."""

    name = models.SlugField(unique=True)
    token_sha256 = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=32))
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        """Show the name."""
        return self.name
