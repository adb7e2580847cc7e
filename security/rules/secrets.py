# ruff: noqa
import hashlib

# ruleid: guessable-chance
import random

# ok: guessable-chance
import secrets

# ruleid: personal-data-in-a-log
_log.info("started", customer_email=session.customer_email)
# ruleid: personal-data-in-a-log
logger.warning("sent to %s", delivery.recipient)
# ruleid: personal-data-in-a-log
logger.error(f"cannot read {row['notes']}")
# ruleid: personal-data-in-a-log
log.info("said %s", problem_description)
# ok: personal-data-in-a-log
logger.warning("sent %s", delivery.delivery_id)
# ok: personal-data-in-a-log
form.info(session.customer_email)


def same(secret, given, stored):
    # ruleid: secret-compared-by-its-text
    if secret == given:
        return True
    # ruleid: secret-compared-by-its-text
    if stored.token_hash != given:
        return False
    # ok: secret-compared-by-its-text
    if stored.name == given:
        return True
    # ok: secret-compared-by-its-text
    if secret == "":
        return False
    # ok: secret-compared-by-its-text
    return hmac.compare_digest(secret, given)


# ruleid: weak-hash
hashlib.md5(data)
# ruleid: weak-hash
hashlib.new("sha1", data)
# ok: weak-hash
hashlib.md5(data, usedforsecurity=False)
# ok: weak-hash
hashlib.sha256(data)
# ruleid: secret-written-down
api_key = "a1b2c3d4e5f6g7h8"
# ok: secret-written-down
api_key = read_settings().api_key
# ok: secret-written-down
secret = "whsec_"
# ruleid: file-for-everybody
os.chmod(path, 0o666)
# ruleid: file-for-everybody
path.chmod(0o777)
# ok: file-for-everybody
path.chmod(0o600)
# ok: file-for-everybody
folder.mkdir(mode=0o755)
# ruleid: guessable-temporary-file
tempfile.mktemp()
# ok: guessable-temporary-file
tempfile.mkdtemp()
