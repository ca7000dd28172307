"""Send a notification through one of apprise's services."""

import importlib.util
from urllib.parse import urlsplit

from misp_workflow.action import Notification, ParameterError, expose, fields

moduleinfo = {
    "version": "1.0",
    "name": "Apprise notification",
    "description": "Sends a notification through one of the many services that the apprise library knows.",
    "module-type": ["action"],
    "requirements": ["misp-workflow-actions[apprise]"],
    "features": "One address says service and credentials, such as pover://user@token. Messages go out in the "
    "background, since the library keeps no deadline; MISP hears that the message is kept, and 'misp-workflow outbox' "
    "what became of it. The library says yes or no, and rarely why. Only listed services are available: not those that "
    "take any address or work on this machine (json, form, syslog, mailto, amqp …), nor those where everybody reads "
    "along (x, reddit, mastodon …). This pack's own actions for Slack, Teams and others say more and try better.",
    "references": ["https://github.com/caronc/apprise/wiki"],
}

moduleconfig = {
    "params": {
        "service_url": {
            "description": "Apprise's address of the service (scheme://…), credentials included",
            "required": True,
            "secret": True,
        },
        "title": {"description": "Title as a Jinja template; empty: MISP", "template": True},
        **fields.MESSAGE,
        **fields.ABOUT,
        **fields.PACE,
        **fields.DESTINATION,
        "dry_run": fields.DELIVERY["dry_run"],
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
}

# The text that fits every service in one piece is short; apprise splits or cuts what is longer by the service's rules.
MAX_TEXT = 30_000
MAX_TITLE = 250

VENDORS = """
    46elks atalk azure brevo bulksms bulkvs burstsms chanify clickatell clicksend cliq cm d7sms dingtalk discord
    dot eight00com elks exotel fcm feishu firehydrant flock freemobile gchat groundmail groupme guilded gupshup
    httpsms ifttt ilert incidentio jira join kakao kakaotalk kaleyra kavenegar klr kook kudosity kumulos lark
    lauther lfg line mailersend mobilemessage mobilemsg msg91 msgbird nexmo notifiarr notifyre o365 octopush
    onesignal opsgenie pagerduty pagertree pbul pingram plivo postmark pover prowl psafer psafers push pushed
    pushme pushplus pushward pushy qq resend revolt ringc ryver schan sendgrid serwersms ses seven sfr signalgrid
    signl4 simplepush sinch slack smsc smsmanager smsmgr smstunnel sns spike splunk spugpush spush squadcast
    stackfield strmlabs telesign telnyx tgram threema twilio twist vapid viber victorops voipms vonage webex wecom
    wecombot whapi whatsapp wpush wxpusher wxteams youlmk zalo zcliq zohocliq zoom zulip
"""
"""Schemes of services with an address of their vendor's."""

HOSTED = """
    bark barks betterstack deltachat deltachats emby embys enigma2 enigma2s evolution evolutions flowtriq flowtriqs
    fluxer fluxers goalert goalerts gorush gorushs gotify gotifys hassio hassios humhub humhubs infobip jellyfin
    jellyfins kodi kodis lametric lametrics mailgun matrix matrixs mmost mmosts ncloud nclouds nctalk nctalks
    notica noticas notifico notificos ntfy ntfys onebot onebots parsep parseps pinglet pinglets pjet pjets pushdeer
    pushdeers rocket rockets sendpulse session sessions signal signals smseagle smseagles smtp2go sogs sparkpost
    synology synologys trigv trigvs wechat workflow workflows xbmc xbmcs xmatters
"""
"""Schemes of services that people run themselves: the address names the host, which the network rules may forbid."""

DOCUMENTED = {"Services with their vendor's address": VENDORS, "Services that you run yourself": HOSTED}


def decide(call):
    """Return the notification."""
    address = call.params.service_url
    scheme = address.partition("://")[0].lower()
    hosted = scheme in HOSTED.split()
    if not hosted and scheme not in VENDORS.split():
        raise ParameterError("Parameter 'service_url': this service is not available; see the action's page for which.")
    if importlib.util.find_spec("apprise") is None:
        raise ParameterError("Apprise is not installed: pip install 'misp-workflow-actions[apprise]'.")
    return Notification(
        url=address,
        host=host_of(address) if hosted else "",
        service="apprise",
        title=call.line("title", "MISP", style="anywhere", limit=MAX_TITLE),
        text=call.message("anywhere", limit=MAX_TEXT),
        digest=("text", "title"),
        digest_limit=MAX_TEXT,
    )


def host_of(address):
    """Return the server's name in the address."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        raise ParameterError("Parameter 'service_url' names no server.") from None


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
