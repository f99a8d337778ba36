"""The settings of the Django project of these tests; its routes are those of the example."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "examples" / "webhooks"))

ALLOWED_HOSTS = ["*"]
DATABASES: dict[str, object] = {}
MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"]
ROOT_URLCONF = "django_app"
SECRET_KEY = "only for tests"
USE_TZ = True
