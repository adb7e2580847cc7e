# ruff: noqa
import os
import subprocess

import numpy
import numpy as np

# ruleid: object-from-bytes
import pickle

# ruleid: xml-with-entities
import xml.etree.ElementTree as tree

# ok: object-from-bytes
import json

# ok: xml-with-entities
from html.parser import HTMLParser

# ruleid: shell
subprocess.run(f"ls {name}", shell=True)
# ruleid: shell
os.system("ls")
# ok: shell
subprocess.run(["ls", name], check=True)
# ruleid: code-from-text
eval(text)
# ruleid: code-from-text
exec(text)
# ok: code-from-text
model.eval()
# ruleid: object-from-bytes
np.load(path, allow_pickle=True)
# ok: object-from-bytes
np.load(path, allow_pickle=False)
# ruleid: yaml-with-objects
yaml.load(text)
# ruleid: yaml-with-objects
yaml.load(text, Loader=yaml.Loader)
# ok: yaml-with-objects
yaml.load(text, Loader=yaml.SafeLoader)
# ok: yaml-with-objects
yaml.safe_load(text)
# ruleid: archive-unpacked-whole
archive.extractall(folder)
# ok: archive-unpacked-whole
archive.extractall(folder, filter="data")
# ruleid: format-by-a-foreign-template
template.format_map(values)
# ok: format-by-a-foreign-template
"{name}".format_map(values)
