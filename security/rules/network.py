# ruff: noqa
# ruleid: network-outside-delivery
import httpx2

# ruleid: network-outside-delivery
from urllib.request import urlopen

# ok: network-outside-delivery
from urllib.parse import urlsplit

# ok: network-outside-delivery
from guiado.delivery.guarded_client import GuardedClient

# ruleid: certificates-unchecked
client = httpx2.Client(verify=False)
# ruleid: certificates-unchecked
context.verify_mode = ssl.CERT_NONE
# ruleid: certificates-unchecked
context.check_hostname = False
# ok: certificates-unchecked
client = httpx2.Client(verify=context)
# ruleid: redirects-followed
client.get(url, follow_redirects=True)
# ok: redirects-followed
client.get(url, follow_redirects=False)
# ruleid: environment-proxies
client = httpx2.Client(trust_env=True)
# ok: environment-proxies
client = httpx2.Client(trust_env=False)
