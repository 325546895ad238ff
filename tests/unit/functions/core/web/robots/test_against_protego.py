"""500 generated robots.txt files: the same URLs are allowed as by Protego, the parser of Scrapy.

Left out is what Protego decides in another way than RFC 9309: names of robots that begin like another one, lines of
other names, which end a group there, a dollar sign in a URL, an encoded slash in a query, and a wildcard within an
encoded octet.
"""

import random

import pytest
from protego import Protego

from functions.core.web.robots.rules import RobotsRules
from functions.core.web.target import request_target

SEED = 20261126
FILES = 500
ROBOTS = ("image-mirror", "*", "otherbot", "ThirdBot", "IMAGE-MIRROR")
NAMES = ("Disallow", "Allow", "disallow", "ALLOW", "Disalow")
SEGMENTS = ("a", "b", "img", "photo", "private", "ü", "%C3%BC", "%61", "%2F", "x y", "~me", "%7Eme", "a=b", "a%3Db", "")
ENDS = ("\n", "\r\n", "\r")


def path(random: random.Random, *, is_pattern: bool) -> str:
    segments = [random.choice(SEGMENTS) for _ in range(random.randrange(1, 4))]
    text = "/" + "/".join(segments)
    if random.random() < 0.3:
        text += random.choice((".jpg", ".php", "index.html", "/index.html"))
    if random.random() < 0.2 and "%2F" not in text:
        text += f"?q={random.choice(('1', 'a:b', 'a%3Ab', '&z', '*'))}"
    if is_pattern and random.random() < 0.3:
        position = random.choice([at for at in range(len(text) + 1) if text[at : at + 1] in ("/", ".", "?", "")])
        text = text[:position] + "*" + text[position:]
    if is_pattern and random.random() < 0.2:
        text += "$"
    return text


def robots_txt(random: random.Random) -> str:
    lines = []
    for _ in range(random.randrange(0, 5)):
        for _ in range(random.randrange(1, 3)):
            lines.append(f"User-agent: {random.choice(ROBOTS)}")
        for _ in range(random.randrange(0, 6)):
            rule = f"{random.choice(NAMES)}: {path(random, is_pattern=True)}"
            lines.append(random.choice((rule, rule, f"  {rule}  # why", f"{random.choice(NAMES)}:", "# nothing", "")))
        if random.random() < 0.3:
            lines.append(f"Crawl-delay: {random.choice(('1', '2.5', 'x', '10'))}")
        if random.random() < 0.2:
            lines.append("Sitemap: https://example.com/sitemap.xml")
    return random.choice(ENDS).join(lines)


@pytest.mark.parametrize("number", range(FILES))
def test_a_generated_file(number: int) -> None:
    generator = random.Random(SEED + number)
    text = robots_txt(generator)
    rules = RobotsRules.parse(text.encode(), "image-mirror")
    protego = Protego.parse(text)
    urls = [f"https://example.com{path(generator, is_pattern=False)}" for _ in range(40)]

    ours = {url: rules.disallowing(request_target(url)) is None for url in urls}
    theirs = {url: protego.can_fetch(url, "image-mirror") for url in urls}

    assert ours == theirs, text
    assert rules.crawl_delay == protego.crawl_delay("image-mirror")
