"""Someone who allows a sign-in, without a browser."""

import re
import ssl

import httpx


def allow(url: str, ca_file: str | None = None) -> str:
    """Return the address that the browser is sent to: by Allow on the consent page, or at once if nobody is asked."""
    verify = ssl.create_default_context(cafile=ca_file) if ca_file else True
    with httpx.Client(verify=verify, timeout=60) as browser:
        answer = browser.get(url)
        if answer.status_code == 200:
            fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', answer.text))
            action = re.search(r'<form[^>]* action="([^"]*)"', answer.text)
            assert action is not None, answer.text
            answer = browser.post(answer.url.join(action[1]), data=fields | {"decision": "allow"})
    assert answer.status_code == 302, answer
    return answer.headers["location"]
