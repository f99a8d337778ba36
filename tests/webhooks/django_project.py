"""The settings and the routes of the Django project of these tests: none but the receiver's, which stands before it."""

ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.webhooks.django_project"
SECRET_KEY = "only for tests"
USE_TZ = True
urlpatterns: list[object] = []
