"""Users, as little of them as staff need."""

from django.contrib import admin

from accounts.models import User
from support.admin.console import ReadOnlyAdmin, instant, site


@admin.register(User, site=site)
class UserAdmin(ReadOnlyAdmin):
    """Public id, address and whether somebody is staff; no password digest, no permissions."""

    heading = "Users"
    sentence = "Customers and staff, by the id that stands in history and audit."
    created = instant("created_at", label="created")
    last_signed_in = instant("last_login", label="last signed in")
    list_display = ("public_id", "email", "is_staff", "staff_role", "is_active", "created")
    list_filter = ("is_staff", "staff_role", "is_active")
    search_fields = ("public_id", "email")
    ordering = ("-id",)
    fields = ("public_id", "email", "is_staff", "staff_role", "is_active", "created", "last_signed_in")
