"""What granian serves, for the shop's processes and, with WEBHOOKS_ONLY, for the webhook door."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commerce.settings")

application = get_wsgi_application()
