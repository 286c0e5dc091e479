"""Follows the links from page to page of a book that mdBook has built.

    python links.py FOLDER
"""

import html.parser
import pathlib
import sys
import urllib.parse


class Page(html.parser.HTMLParser):
    """What a page links to, and what can be linked to in it."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = [], {""}
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if "id" in values:
            self.anchors.add(values["id"])
        link = values.get("href") if tag == "a" else None
        if link and not urllib.parse.urlsplit(link).scheme:
            self.links.append(link)


folder = pathlib.Path(sys.argv[1]).resolve()
# The page of all pages repeats them, with their links as they stand; 404 is for any address.
paths = [path for path in folder.rglob("*.html") if path.name not in ("print.html", "404.html", "toc.html")]
pages = {path: Page(path) for path in paths}
broken, count = [], 0
for path, page in pages.items():
    for link in page.links:
        count += 1
        parts = urllib.parse.urlsplit(link)
        name = urllib.parse.unquote(parts.path)
        target = (path.parent / name).resolve() if name else path
        if target in pages:
            found = urllib.parse.unquote(parts.fragment) in pages[target].anchors
        else:
            found = target.is_file()
        if not found:
            broken.append(f"{path.relative_to(folder)}: {link}")
for line in broken:
    print(line, file=sys.stderr)
print(f"ok: {count - len(broken)} of {count} links of {len(pages)} pages")
sys.exit(1 if broken or not count else 0)
