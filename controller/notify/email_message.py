"""Builds the mail to an owner: a pure function of the notification, so that every repetition is the same mail."""

from email.message import EmailMessage
from email.policy import SMTP

from controller.notify.outcome import one_line
from domain.failures import ADVICE
from domain.notifications import Notification, NotificationKind
from domain.object_keys import playback_url


def build_email(notification: Notification, *, sender: str, playback_base: str) -> EmailMessage:
    """Return the mail. Its Message-ID is the notification's, so that mail programs show a repetition once."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = notification.email or ""
    message["Subject"] = _subject(notification)
    message["Date"] = notification.created_at
    message["Message-ID"] = f"<{notification.notification_id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(
        "\n\n".join([*_paragraphs(notification, playback_base), f"Video: {notification.video_id}"]) + "\n"
    )
    return message


def _subject(notification: Notification) -> str:
    # A header is one line, and the email library decodes "=?…?=", line ends included (CVE-2024-6923).
    title = one_line(notification.title).replace("=?", "=\u200b?")
    match notification.kind:
        case NotificationKind.READY:
            return f'Your video "{title}" is ready'
        case NotificationKind.ERRORED:
            return f'Your video "{title}" could not be processed'
        case NotificationKind.DELETED:
            return f'Your video "{title}" was deleted'
        case (
            NotificationKind.UPLOADED | NotificationKind.PROCESSING | NotificationKind.CAPTIONS | NotificationKind.TEST
        ):
            return "This is a test"


def _paragraphs(notification: Notification, playback_base: str) -> list[str]:
    if notification.kind is NotificationKind.READY and notification.has_public_stream:
        return ["It can be played now:", playback_url(playback_base, notification.video_id)]
    if notification.kind is NotificationKind.READY and notification.is_playable:
        return ["It is private, and can be played now where you are signed in."]
    if notification.kind is NotificationKind.ERRORED and notification.failure is not None:
        return [
            f"What happened: {notification.failure.message}.",
            f"What to do: {ADVICE[notification.failure.code].action}",
        ]
    if notification.kind is NotificationKind.DELETED:
        return ["Its files were removed and cannot be restored."]
    return ["There is nothing to do."]
