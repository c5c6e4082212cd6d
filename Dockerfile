# syntax=docker/dockerfile:1.19
# One image for web, webhook door, workers and beat; the payment sandbox has a target of its own, because a shop with
# real money has no use for it.
FROM python:3.13-slim AS build
ENV PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /app
COPY requirements.txt .
RUN pip install --require-hashes --only-binary :all: -r requirements.txt
COPY . .
# The sandbox comes with its own target. Collecting needs names for the secrets that production asks for, not secrets.
RUN rm -r sandbox && \
    SURETY_ENV=production SECRET_KEY=build DATA_KEY=build ALLOWED_HOSTS=build STRIPE_SECRET_KEY=build \
    STRIPE_WEBHOOK_SECRETS=build EMAIL_URL=dummymail:// python manage.py collectstatic --no-input && \
    python -m compileall -q /app

FROM python:3.13-slim AS app
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/opt/venv/bin:$PATH
# A number, so that a cluster that refuses root can see that it is none. Nothing of the image is the user's to write.
RUN groupadd --system --gid 10001 surety && useradd --system --uid 10001 --gid 10001 --home-dir /nonexistent surety
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
USER 10001
EXPOSE 8000 8010
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "4", "--respawn-failed-workers", "--no-ws", "commerce.wsgi:application"]

FROM app AS sandbox
USER 0
RUN install --directory --owner=10001 --group=10001 /var/lib/sandbox
COPY sandbox sandbox
USER 10001
EXPOSE 8020
CMD ["python", "-m", "sandbox"]

# What is built without a target is the shop.
FROM app
