"""What slugs, names and the words for a picture may be."""

import re

SLUG = re.compile(r"[-a-zA-Z0-9_]{1,80}")
TEXT_MAX_CHARACTERS = 200
ALT_MAX_CHARACTERS = 300
