"""What owners read: a pure function of the notification, so that every repetition is the same letter."""

from email.message import EmailMessage
from email.policy import SMTP

from controller.notify.outcome import one_line
from domain.failures import ADVICE
from domain.notifications import Notification, NotificationKind
from domain.object_keys import playback_url


def build_email(told: Notification, *, sender: str, playback_base: str) -> EmailMessage:
    """Return the letter. Its Message-ID is the notification's: mail programs show a repetition once."""
    made = EmailMessage(policy=SMTP)
    made["From"] = sender
    made["To"] = told.email or ""
    made["Subject"] = _subject(told)
    made["Date"] = told.created_at
    made["Message-ID"] = f"<{told.notification_id}@{sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content("\n\n".join([*_paragraphs(told, playback_base), f"Video: {told.video_id}"]) + "\n")
    return made


def _subject(told: Notification) -> str:
    # A header is one line, and the email library decodes "=?…?=", line ends included (CVE-2024-6923).
    title = one_line(told.title).replace("=?", "=\u200b?")
    match told.kind:
        case NotificationKind.READY:
            return f'Your video "{title}" is ready'
        case NotificationKind.ERRORED:
            return f'Your video "{title}" could not be processed'
        case NotificationKind.DELETED:
            return f'Your video "{title}" was deleted'
        case NotificationKind.TEST:
            return "This is a test"


def _paragraphs(told: Notification, playback_base: str) -> list[str]:
    if told.kind is NotificationKind.READY and told.is_playable:
        return ["It can be played now:", playback_url(playback_base, told.video_id)]
    if told.kind is NotificationKind.ERRORED and told.failure is not None:
        return [f"What happened: {told.failure.message}.", f"What to do: {ADVICE[told.failure.code].action}"]
    if told.kind is NotificationKind.DELETED:
        return ["Its files were removed and cannot be restored."]
    return ["There is nothing to do."]
