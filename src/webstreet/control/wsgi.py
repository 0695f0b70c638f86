"""The WSGI application of the control plane's web process."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webstreet.control.settings")

if os.environ.get("WEBSTREET_WEB_PARENT"):
    # granian's worker: its parent may be killed without a chance to tell it.
    from webstreet.kernel.process import die_with_parent

    die_with_parent(int(os.environ["WEBSTREET_WEB_PARENT"]))

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
