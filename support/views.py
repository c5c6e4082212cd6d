"""Where the console's own account pages differ from allauth's."""

from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.views import ActivateTOTPView
from django.http import HttpResponse


class ActivateSecondFactorView(ActivateTOTPView):  # type: ignore[misc]
    """Setting the app up with a right code is also its first use: nobody has to wait for the next code to come in."""

    def form_valid(self, form: ActivateTOTPForm) -> HttpResponse:
        """Activate, use up the code, and give the session a new key now that it opens more."""
        response: HttpResponse = super().form_valid(form)
        authenticator = Authenticator.objects.get(user=self.request.user, type=Authenticator.Type.TOTP)
        if authenticator.wrap().validate_code(form.cleaned_data["code"]):
            post_authentication(self.request, authenticator, reauthenticated=True)
        self.request.session.cycle_key()
        return response


activate_second_factor = ActivateSecondFactorView.as_view()
