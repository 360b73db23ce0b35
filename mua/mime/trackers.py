"""Who is known to watch whether mail is read: hosts, and the paths of pictures that are only counted.

Rules of the file: a host counts with everything below it; a name is what the service calls itself; what serves a mail's
real pictures as well (a content network, a sender's own host) is named by the path of its pixel, never by its host.
"""

from typing import Final

HOSTS: Final[dict[str, str]] = {
    "2o7.net": "Adobe Analytics",
    "adobedtm.com": "Adobe",
    "bananatag.com": "Bananatag",
    "bat.bing.com": "Microsoft Advertising",
    "bl-1.com": "Yesware",
    "boomtrain.com": "Boomtrain",
    "cirrusinsight.com": "Cirrus Insight",
    "clicks.aweber.com": "AWeber",
    "cmail19.com": "Campaign Monitor",
    "cmail20.com": "Campaign Monitor",
    "criteo.com": "Criteo",
    "demdex.net": "Adobe Audience Manager",
    "doubleclick.net": "Google DoubleClick",
    "emltrk.com": "Litmus",
    "getnotify.com": "GetNotify",
    "google-analytics.com": "Google Analytics",
    "googleadservices.com": "Google Ads",
    "googlesyndication.com": "Google Ads",
    "hubspotemail.net": "HubSpot",
    "intelliad.de": "intelliAd",
    "ivwbox.de": "INFOnline",
    "klclick.com": "Klaviyo",
    "klclick1.com": "Klaviyo",
    "klaviyomail.com": "Klaviyo",
    "linksynergy.com": "Rakuten",
    "list-manage.com": "Mailchimp",
    "liadm.com": "LiveIntent",
    "mailtrack.io": "Mailtrack",
    "mandrillapp.com": "Mandrill",
    "mixmax.com": "Mixmax",
    "mixpanel.com": "Mixpanel",
    "mktoresp.com": "Marketo",
    "movable-ink-397.com": "Movable Ink",
    "omtrdc.net": "Adobe Analytics",
    "outreach.io": "Outreach",
    "p.rsys.net": "Oracle Responsys",
    "pixel.app.returnpath.net": "Return Path",
    "powerinbox.com": "PowerInbox",
    "quantserve.com": "Quantcast",
    "readnotify.com": "ReadNotify",
    "returnpath.net": "Return Path",
    "rs6.net": "Constant Contact",
    "scorecardresearch.com": "Comscore",
    "sendibt1.com": "Brevo",
    "sendibt2.com": "Brevo",
    "sendibt3.com": "Brevo",
    "sidekickopen.com": "HubSpot",
    "superhuman.com": "Superhuman",
    "t.hubspotemail.net": "HubSpot",
    "t.sidekickopen01.com": "HubSpot",
    "tinyletterapp.com": "TinyLetter",
    "toutapp.com": "Marketo",
    "yesware.com": "Yesware",
}

PIXELS: Final[tuple[tuple[str, str], ...]] = (
    # a part of the path in lower case, and who asks for it
    ("/wf/open", "SendGrid"),
    ("/ss/o/", "SendGrid"),
    ("/track/open", "an open counter"),
    ("/trk/open", "an open counter"),
    ("/tracking/open", "an open counter"),
    ("/o.gif", "an open counter"),
    ("/open.gif", "an open counter"),
    ("/open.aspx", "Salesforce Marketing Cloud"),
    ("/open/log/", "an open counter"),
    ("/e/o/", "an open counter"),
    ("/e2t/to/", "HubSpot"),
    ("/e3t/to/", "HubSpot"),
    ("/mail/track", "an open counter"),
    ("/mo/", "Mailgun"),
    ("/pixel.gif", "an open counter"),
    ("/pixel.png", "an open counter"),
    ("/trackopen", "an open counter"),
    ("/q/", "Amazon SES"),
    ("/imp?", "an advertisement's counter"),
    ("/beacon", "an open counter"),
)
SHARED_PIXELS: Final = frozenset({"/mo/", "/q/", "/e/o/", "/beacon"})
"""Of ``PIXELS``: too short to mean anything on a picture that somebody could see."""


def tracker(host: str, path: str, *, tiny: bool = False) -> str:
    """Who is known to watch by this host (lower case) or path; empty: nobody.  ``tiny``: nobody can see the picture."""
    labels = host.split(".")
    for start in range(len(labels) - 1):
        if found := HOSTS.get(".".join(labels[start:])):
            return found
    lowered = path.lower()
    for part, name in PIXELS:
        if part in lowered and (tiny or part not in SHARED_PIXELS):
            return name
    return ""
