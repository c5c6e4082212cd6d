"""One settings file. Secrets and wiring come from the environment; every name read here stands in the README's
table.
"""

import sys
from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from commerce import logs
from core.crypto import DEVELOPMENT_DATA_KEY

LOGGING = logs.LOGGING
BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

SURETY_ENV = env.str("SURETY_ENV", default="development")
IS_PRODUCTION = SURETY_ENV == "production"


def secret(name: str, *, development: str) -> str:
    """This will read a secret, with a default for development alone.

    Raises: ImproperlyConfigured in production when it is missing or still the development value.
    """
    value = env.str(name, default="")
    if IS_PRODUCTION and value in {"", development}:
        raise ImproperlyConfigured(f"Set {name} in the environment; production does not start without it.")
    return value or development


SECRET_KEY = secret("SECRET_KEY", development="development-only-secret-key-that-production-refuses-to-accept")
DATA_KEY = secret("DATA_KEY", development=DEVELOPMENT_DATA_KEY)
secret("STRIPE_SECRET_KEY", development="sk_test_development")
secret("STRIPE_WEBHOOK_SECRETS", development="whsec_development")
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if IS_PRODUCTION else ["localhost", "127.0.0.1", "testserver"])
if IS_PRODUCTION and not ALLOWED_HOSTS:
    raise ImproperlyConfigured("Set ALLOWED_HOSTS in the environment; production does not start without it.")
WEBHOOKS_ONLY = env.bool("WEBHOOKS_ONLY", default=False)
IS_WORKER = Path(sys.argv[0]).name in {"celery", "manage.py"}
SURETY_URL = env.str("SURETY_URL", default="http://127.0.0.1:8000")
SURETY_WEBHOOKS_URL = env.str("SURETY_WEBHOOKS_URL", default="http://127.0.0.1:8010")
SANDBOX_URL = env.str("SANDBOX_URL", default="")
SANDBOX_PUBLIC_URL = env.str("SANDBOX_PUBLIC_URL", default=SANDBOX_URL)
TRUSTED_PROXIES_COUNT = env.int("TRUSTED_PROXIES_COUNT", default=0)

INSTALLED_APPS = [
    "commerce",
    "core",
    "accounts",
    "oversight",
    "ledger",
    "catalog",
    "orders",
    "payments",
    "checkout",
    "webhooks",
    "reconciliation",
    "storefront",
    "support",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.headless",
    "allauth.mfa",
    "django_fsm",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "core.middleware.TraceMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "core.middleware.ApiEdgeMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "support.middleware.SecondFactorMiddleware",
]
ROOT_URLCONF = "commerce.urls"
if WEBHOOKS_ONLY:
    # A door of its own: no sessions, no cookies, nothing a flood of forged events could make expensive.
    MIDDLEWARE = ["core.middleware.TraceMiddleware", "django.middleware.security.SecurityMiddleware"]
    INSTALLED_APPS = [
        app
        for app in INSTALLED_APPS
        if not app.startswith(("allauth", "django.contrib.admin", "storefront", "support"))
    ]
    ROOT_URLCONF = "commerce.urls_webhooks"
WSGI_APPLICATION = "commerce.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {"default": env.db("DATABASE_URL", default="postgres://surety_app@/surety")}
DATABASES["default"] |= {
    "ENGINE": "django.db.backends.postgresql",
    "ATOMIC_REQUESTS": False,
    "CONN_HEALTH_CHECKS": True,
    "CONN_MAX_AGE": None if IS_WORKER else 0,
    "OPTIONS": {
        **DATABASES["default"].get("OPTIONS", {}),
        "server_side_binding": True,
        "prepare_threshold": 1,
        "connect_timeout": 3,
        "application_name": "surety-webhooks" if WEBHOOKS_ONLY else "surety",
    },
    "TEST": {"NAME": env.str("TEST_DATABASE_NAME", default="test_surety")},
}
if not IS_WORKER:
    # Web threads share a pool: a connection per request (Django's default) costs a factor of four.
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": env.int("DATABASE_POOL_SIZE", default=8),
        "timeout": 3,
    }
DATABASE_OWNER_URL = env.str("DATABASE_OWNER_URL", default="")
REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default=REDIS_URL)

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher"
    if SURETY_ENV == "test"
    else "django.contrib.auth.hashers.PBKDF2PasswordHasher"
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/console/"
LOGOUT_REDIRECT_URL = "/"
# With HEADLESS_ONLY a password alone got into the admin, so staff pages are allauth's own, under the console.
HEADLESS_ONLY = False
HEADLESS_CLIENTS = ["app"]
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES_COUNT
ACCOUNT_ADAPTER = "support.accounts.StaffAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# Nobody is signed in with an address that is not theirs, and no answer tells whose address is known.
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 15 * 60
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
HEADLESS_ADAPTER = "accounts.adapter.CustomerHeadlessAdapter"
HEADLESS_FRONTEND_URLS = dict.fromkeys(("account_signup", "account_reset_password"), f"{SURETY_URL}/account")
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "signup": "20/m/ip",
    "confirm_email": "1/10s/key",
    "reset_password": "20/m/ip,5/m/key",
    "reset_password_from_key": "20/m/ip",
    "change_password": "5/m/user",
    "reauthenticate": "10/m/user",
}
# Nothing is remembered beyond the browser's session, and nothing stands in for the second factor.
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGIN_BY_CODE_ENABLED = False
MFA_TRUST_ENABLED = False
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Surety"
# A code counts in its own 30 seconds alone and once: the cache remembers used codes for as long as they live.
MFA_TOTP_TOLERANCE = 0
MFA_ADAPTER = "support.accounts.SecondFactorAdapter"
DEMO_STAFF_TOTP_SECRET = env.str("DEMO_STAFF_TOTP_SECRET", default="")

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "surety",
        "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},
    },
    # Where a process counts tries while Redis is away (core/throttles.py); bounded, so nobody can fill it.
    "in_process": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "in_process",
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    },
}
if SURETY_ENV == "test" and not env.str("REDIS_URL", default=""):
    CACHES["default"] = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "static/"
# Collected for production alone; elsewhere whitenoise serves the files from where they lie.
STATIC_ROOT = BASE_DIR / "staticfiles" if IS_PRODUCTION else None
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]
STORAGES = {
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if IS_PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not IS_PRODUCTION

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 8 * 60 * 60
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = IS_PRODUCTION
SECURE_HSTS_SECONDS = 31_536_000 if IS_PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES_COUNT else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^healthz/work$"]
APPEND_SLASH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
# EMAIL_BACKEND, EMAIL_HOST and the rest out of one address. The door writes to nobody.
EMAIL_URL = "dummymail://" if WEBHOOKS_ONLY else secret("EMAIL_URL", development="consolemail://")
vars().update(env.email_url_config(EMAIL_URL))
EMAIL_TIMEOUT = 10

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.ServiceAuthentication",
        "accounts.authentication.CustomerAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.api.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "core.api.problem_response",
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Surety",
    "DESCRIPTION": "Commerce whose checkout keeps its word. Errors are RFC 9457 problems with a stable `code`.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # What can be done fills the page, not the names of every shape; those open with a click.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "defaultModelsExpandDepth": 0},
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ArticleKind": "catalog.api.KINDS",
        "Availability": "catalog.api.AVAILABILITIES",
        "Exemption": "checkout.api.serializers.EXEMPTIONS",
    },
}
