"""Send an e-mail."""

from misp_workflow.action import Mail, attachments, expose, fields, mailing

moduleinfo = {
    "version": "1.0",
    "name": "E-mail message",
    "description": "Sends an e-mail, as text and HTML, through your SMTP server, with the data attached on request.",
    "module-type": ["action"],
    "features": "The message is a summary of what happened, or your own Jinja template; only the subject and the texts "
    "are templates, the recipients never are. Each recipient gets a mail of their own, tried again on its own. An "
    "attachment holds the items that the node's filter selected; with nothing selected, and items not 'all', no CSV "
    "is attached, and the JSON holds a summary. Mails about one event are shown as a conversation. They are encrypted "
    "and signed by OpenPGP or S/MIME with the keys that the settings name ([mail]).",
    "references": ["https://www.rfc-editor.org/rfc/rfc5321", "https://owasp.org/www-community/attacks/CSV_Injection"],
}

moduleconfig = {
    "params": {
        "recipients": {
            "description": "Addresses, one per line or with commas or semicolons",
            "required": True,
            "format": "list",
            "each": "email",
        },
        "cc": {"description": "More addresses, for the Cc line", "format": "list", "each": "email"},
        "bcc": {"description": "More addresses, which no mail shows", "format": "list", "each": "email"},
        "reply_to": {"description": "Address that answers go to; empty: the sender's", "format": "email"},
        "sender": {
            "description": "Address of the sender, such as MISP <misp@example.org>",
            "required": True,
            "format": "email",
        },
        **mailing.SERVER,
        "subject": {
            "description": "Subject as a Jinja template; empty: what happened in a few words",
            "template": True,
        },
        "tlp_in_subject": {
            "description": "true: the subject begins with [TLP:AMBER] or so, unless the node's subject says TLP:",
            "format": "boolean",
            "default": True,
        },
        "headers": {
            "type": "large_string",
            "description": "More headers, one per line as Name: value; values may be templates",
        },
        "encrypt": {
            "description": "required (no key: an error, and no mail), if_possible (no key: a mail in clear) or no",
            "format": "choice",
            "choices": ["required", "if_possible", "no"],
            "default": "no",
        },
        "sign": {
            "description": "true: sign with the key in the settings ([mail])",
            "format": "boolean",
            "default": False,
        },
        **fields.MESSAGE,
        "html_body": {
            "formerly": ["html"],
            "type": "large_string",
            "description": "HTML part as a Jinja template; empty: the summary as HTML, or none with a message of yours",
            "template": True,
        },
        "attachment": {
            "description": "none, json (the event or the selected items) or csv (the selected attributes)",
            "format": "choice",
            "choices": ["none", "json", "csv"],
            "default": "none",
        },
        **fields.ITEMS,
        **fields.TLS,
        **fields.ABOUT,
        **fields.PACE,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
}

# The line may have 998 characters (https://www.rfc-editor.org/rfc/rfc5322#section-2.1.1); people read the first 100.
MAX_SUBJECT = 200
# Servers commonly take 20 to 35 MB, and base64 makes four bytes of three.
MAX_ATTACHMENT = 10_000_000

ONE_MAIL_ONLY = ("html", "subject", "headers", "thread", "attachment", "attachment_name", "attachment_type")
"""What is left out when many mails become one."""


def decide(call):
    """Return one mail for each recipient."""
    params = call.params
    text = call.message("plain")
    subject, more = mailing.subject(call, MAX_SUBJECT), mailing.headers(call, "headers")
    attached, left_out = attachments.attached(call, params.attachment, MAX_ATTACHMENT)
    if left_out:
        text += f"\n({left_out})"
    return [
        Mail(
            **mailing.server(params),
            sender=params.sender,
            **copy,
            reply_to=params.reply_to,
            headers=more,
            thread=call.thread if call.view.event.get("uuid") else "",
            encrypt=params.encrypt,
            sign=params.sign,
            subject=subject,
            text=text,
            html=html(call),
            **attached,
            digest=("text", *ONE_MAIL_ONLY),
            digest_limit=100_000,
        )
        for copy in mailing.copies(params)
    ]


def html(call):
    """Return the HTML part, "" for none."""
    if call.params.html_body:
        return call.message("html", name="html_body")
    return "" if call.params.message else call.message("html", layout="mail")


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
