// What a video's state means for the person who owns it: a label, a tone, what it waits for, what can be done.

import type { Video } from "../api/types";
import { explainFailure } from "./failures";

export type Tone = "quiet" | "busy" | "good" | "bad";

export interface StateText {
  label: string;
  tone: Tone;
  /** What happens now, or what happened; null when the label says it all. */
  sentence: string | null;
  /** What the person can do; null when nothing has to be done. */
  advice: string | null;
  /** In percent; null when there is nothing to measure. */
  progress: number | null;
  /** The service's own words, for whoever can help; null when they are the sentence. */
  detail?: string | null;
}

// The service's own sentences (docs/videoupload.md) are good for whoever asks by program. Those that name calls and
// fields are put for people here; all others are shown as they come.
const SENTENCES: Record<string, string> = {
  WaitingForUploadUrl: "Waiting to begin.",
  WaitingForFile: "Waiting for the file.",
  WaitingForSubmission: "The file has arrived. Conversion begins in a moment.",
  SubmissionsPaused: "The conversion service is in trouble. This video is kept safe, and its turn comes as soon as that is over.",
  SubmissionDelayed: "The conversion service takes no orders at the moment. It is asked again soon.",
  SubmissionUncertain: "Waiting for word whether the conversion has begun, so that it is not paid for twice.",
  WaitingForCapacity: "Waiting for its turn: many videos are being converted.",
  Transcoding: "Being converted, so that it plays on every device and line.",
  Publishing: "Converted. The last checks are made.",
};

export function describeState(video: Video, sentPercent: number | undefined, isUnfinished = false): StateText {
  if (video.deleted_at !== null) return deleted();
  if (sentPercent !== undefined) return sending(sentPercent);
  if (video.status === "ready") return ready(video);
  if (video.status === "errored") return failed(video);
  if (isUnfinished && video.reason === "WaitingForFile") return interrupted();
  if (video.reason === "FileRejected") return rejected(video);
  return underWay(video);
}

/** Whether the service is at work on it, or waits for something that comes by itself. */
export function isMoving(video: Video): boolean {
  if (video.deleted_at !== null || video.reason === "Paused") return false;
  if (isAboutToBegin(video)) return true;
  const moves = (phase: string) => phase !== "ready" && phase !== "errored";
  return moves(video.status) || moves(video.edition_status) || (video.status === "ready" && !video.is_playable);
}

/** Whether another edition or try was asked for and is not begun: all but these two words is still as it was before. */
export function isAboutToBegin(video: Video): boolean {
  const isAtRest = (video.edition_status === "ready" && video.is_playable) || video.edition_status === "errored";
  return isAtRest && video.deleted_at === null && video.waiting_for !== null && video.what_to_do === null;
}

export function canRetry(video: Video): boolean {
  if (video.deleted_at !== null || isAboutToBegin(video)) return false;
  return video.edition_status === "errored" || video.reason === "SubmissionHeld";
}

/** Whether another edition of it can be asked for. */
export function canConvertAgain(video: Video): boolean {
  return video.deleted_at === null && video.is_playable && video.edition_status === "ready" && !isAboutToBegin(video);
}

/** Whether nothing of it is worth a word of its own: giving it up is no loss. */
export function isOnItsWay(video: Video): boolean {
  return (video.status === "pending" || video.status === "uploading") && video.reason !== "FileRejected";
}

/** Whether a retry needs a file again: then it is clearer to send it as a new video. */
export function needsFile(video: Video): boolean {
  return video.error?.stage === "upload";
}

function deleted(): StateText {
  return { label: "Deleted", tone: "quiet", sentence: "It plays nowhere any more.", advice: null, progress: null };
}

function sending(percent: number): StateText {
  const sentence = percent >= 100 ? "Sent. Waiting for storage to confirm." : "Being sent from this device.";
  return { label: "Sending", tone: "busy", sentence, advice: null, progress: percent };
}

function interrupted(): StateText {
  const advice = "Choose its file again under “Not finished yet”, and it goes on.";
  return { label: "Interrupted", tone: "quiet", sentence: "Waiting for the rest of the file.", advice, progress: null };
}

function rejected(video: Video): StateText {
  const why = video.error ? ended(capital(video.error.message)) : "The file is not a video that can be played.";
  return { label: "Refused", tone: "bad", sentence: why, advice: "Delete this video and upload another file.", progress: null };
}

function ready(video: Video): StateText {
  if (!video.is_playable) {
    return { label: "Coming back", tone: "busy", sentence: "It can be watched again in a moment.", advice: null, progress: null };
  }
  if (isAboutToBegin(video)) {
    const sentence = "It plays while a newer conversion is made, which begins in a moment.";
    return { label: "Ready", tone: "good", sentence, advice: null, progress: null };
  }
  if (video.edition_status === "errored") {
    const { sentence, ...more } = whyItFailed(video);
    return { label: "Ready", tone: "good", sentence: `It plays, but a newer conversion failed. ${sentence}`, ...more, progress: null };
  }
  if (video.edition_status !== "ready") {
    const sentence = `It plays while a newer conversion is made. ${newerSentence(video)}`.trim();
    const progress = video.edition_status === "processing" ? video.progress : null;
    return { label: "Ready", tone: "good", sentence, advice: null, progress };
  }
  return { label: "Ready", tone: "good", sentence: null, advice: null, progress: null };
}

/** What a newer edition waits for, if that is more than its turn to be made. */
function newerSentence(video: Video): string {
  if (video.reason === "WaitingForSubmission" || video.reason === "Transcoding") return "";
  return SENTENCES[video.reason] ?? (video.waiting_for ? `Waiting for ${video.waiting_for}.` : "");
}

function failed(video: Video): StateText {
  if (isAboutToBegin(video)) {
    return { label: "Waiting", tone: "busy", sentence: "It is tried again in a moment.", advice: null, progress: null };
  }
  return { label: "Failed", tone: "bad", ...whyItFailed(video), progress: null };
}

function whyItFailed({ error, what_to_do }: Video): Pick<StateText, "sentence" | "advice" | "detail"> {
  const words = explainFailure(error);
  if (words && error) return { ...words, detail: ended(error.message) };
  const sentence = error ? ended(capital(error.message)) : "It could not be finished.";
  return { sentence, advice: error?.what_to_do ?? what_to_do, detail: null };
}

function underWay(video: Video): StateText {
  const isOurs = video.reason in SENTENCES;
  const waiting = video.waiting_for ? `Waiting for ${video.waiting_for}.` : "";
  const sentence = SENTENCES[video.reason] ?? waiting;
  const labels = { pending: "Waiting", uploading: "Waiting for file", uploaded: "In line", processing: "Converting" } as const;
  return {
    label: video.reason === "Paused" ? "Paused" : labels[video.status as keyof typeof labels],
    tone: video.status === "uploading" || video.reason === "Paused" ? "quiet" : "busy",
    sentence,
    advice: isOurs ? adviceFor(video) : (video.what_to_do ?? adviceFor(video)),
    progress: video.status === "processing" ? video.progress : null,
  };
}

function adviceFor(video: Video): string | null {
  if (video.reason === "WaitingForFile") return "Go on in the tab or on the device where the upload began, or cancel it.";
  if (video.status === "uploaded" || video.status === "processing") return "You may close this page: it goes on by itself.";
  return null;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function ended(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
