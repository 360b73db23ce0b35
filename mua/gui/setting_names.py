"""What can be set, by the words of the settings page, for whoever looks for it elsewhere.

Rules of the file: everything that the page has stands here, and nothing else (a test compares them); the page is not
built for it.
"""

from mua.language import tr

SETTINGS = (  # the name, and what it may be set to
    (tr("Accounts"), ()),
    (tr("Appearance"), ()),
    (tr("Colours"), (tr("Light"), tr("Dark"))),
    (tr("Language"), ()),
    (tr("Message list"), (tr("Cards"), tr("Compact"), tr("Table"))),
    (tr("Text size"), ()),
    (tr("Reading and writing"), ()),
    (tr("A message is shown"), ()),
    (tr("A message counts as read"), ()),
    (tr("Archive into a folder for each year"), ()),
    (tr("Pictures from elsewhere are loaded"), ()),
    (tr("Pictures are loaded through a proxy"), ()),
    (tr("Signatures of what you read are checked, by asking the DNS"), ()),
    (tr("A sender who asks is told that you have read a message"), ()),
    (tr("Sending waits, so that it can be taken back"), ()),
    (tr("A new message is written as"), (tr("Rich text"), tr("Markdown"), tr("Plain text"))),
    (tr("An answer stands"), ()),
    (tr("Answers are written"), ()),
    (tr("Underline what is spelt wrong"), ()),
    (tr("Snippets"), ()),
    (tr("Signature"), ()),
    (tr("Tags"), ()),
    (tr("Rules"), ()),
    (tr("Judge new mail by what I mark as junk, where no server does that"), ()),
    (tr("Notifications"), ()),
    (tr("Tell me of new mail"), ()),
    (tr("With sender and subject"), ()),
    (tr("Only from people I have written to"), ()),
    (tr("Show what is unread among the desktop's icons"), ()),
    (tr("Closing the window leaves Mua there"), ()),
    (tr("A start shows nothing but that icon"), ()),
    (tr("Passwords"), ()),
    (tr("Keyboard"), ()),
    (tr("Keys after the habits of"), (tr("Thunderbird's"), tr("Gmail's"))),
    (tr("Export settings"), ()),
    (tr("Import settings"), ()),
    (tr("Back up everything"), ()),
)
