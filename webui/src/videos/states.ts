// Describes a video's state to its owner: a label, a tone, what it waits for, what to do.

import { isAboutToBegin, type Video } from "video-uploads-client";

import { explainFailure } from "./failures";

export type Tone = "quiet" | "busy" | "good" | "bad";

export interface StateText {
  label: string;
  tone: Tone;
  /** What is happening or happened; null if the label is enough. */
  sentence: string | null;
  /** What the person can do; null if nothing. */
  advice: string | null;
  /** In percent; null if there is no progress to show. */
  progress: number | null;
  /** The service's message, for support; null if it is the sentence. */
  detail?: string | null;
}

// The service's sentences (docs/videoupload.md) are written for clients of the API. Those that name calls and fields are
// replaced here; all others are shown as they are.
const SENTENCES: Record<string, string> = {
  WaitingForUploadUrl: "Waiting to start.",
  WaitingForFile: "Waiting for the file.",
  WaitingForSource: "In the queue: other files are being fetched.",
  FetchingSource: "Being fetched from its address.",
  SourceDelayed: "The server of its address did not give the file. The next try follows soon.",
  WaitingForSubmission: "The file has arrived. Conversion starts in a moment.",
  WaitingForProfile: "Conversion waits for an administrator.",
  SubmissionsPaused: "The conversion service has problems. Your video is safe and will be converted once they are resolved.",
  SubmissionDelayed: "The conversion service accepts no videos at the moment. The next try follows soon.",
  SubmissionUncertain: "Checking whether the conversion has started, so that it is not paid for twice.",
  AttemptFailed: "The conversion failed once. The next try follows soon.",
  WaitingForCapacity: "In the queue: many videos are being converted.",
  WaitingForOwnJobs: "In the queue: your other videos are converted first.",
  DailyLimitReached: "You have reached today's conversion limit. This video will be converted tomorrow.",
  SpendingStopped: "In the queue: today's conversions are used up. This video will be converted tomorrow.",
  Transcoding: "Being converted to play on every device and connection.",
  Publishing: "Converted. Running the last checks.",
  StorageAway: "The file storage has problems. This video is safe and continues as soon as they are over.",
  StorageRefusesKey: "The file storage has problems. This video is safe and continues as soon as they are over.",
  JobsUnknown: "The conversion service has problems. This video is safe and continues as soon as they are over.",
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

export function canRetry(video: Video): boolean {
  if (video.deleted_at !== null || isAboutToBegin(video)) return false;
  return video.edition_status === "errored" || video.reason === "SubmissionHeld";
}

/** Return whether another edition can be requested. */
export function canConvertAgain(video: Video): boolean {
  return video.deleted_at === null && video.is_playable && video.edition_status === "ready" && !isAboutToBegin(video);
}

/** Return whether deleting the video loses only an upload. */
export function isOnItsWay(video: Video): boolean {
  return (video.status === "pending" || video.status === "uploading") && video.reason !== "FileRejected";
}

/** Return whether a retry needs the file again; then sending it as a new video is clearer. */
export function needsFile(video: Video): boolean {
  return video.error?.stage === "upload";
}

function deleted(): StateText {
  return { label: "Deleted", tone: "quiet", sentence: "It can no longer be played.", advice: null, progress: null };
}

function sending(percent: number): StateText {
  const sentence = percent >= 100 ? "Sent. Waiting for confirmation from storage." : "Uploading from this device.";
  return { label: "Sending", tone: "busy", sentence, advice: null, progress: percent };
}

function interrupted(): StateText {
  const advice = "Choose its file again under “Not finished yet” to continue.";
  return { label: "Interrupted", tone: "quiet", sentence: "Waiting for the rest of the file.", advice, progress: null };
}

function rejected(video: Video): StateText {
  const why = video.error ? ended(capital(video.error.message)) : "The file is not a playable video.";
  return { label: "Refused", tone: "bad", sentence: why, advice: "Delete this video and upload another file.", progress: null };
}

function ready(video: Video): StateText {
  if (!video.is_playable) {
    return { label: "Restoring", tone: "busy", sentence: "You can watch it again in a moment.", advice: null, progress: null };
  }
  if (isAboutToBegin(video)) {
    const sentence = "You can watch it. A newer conversion starts in a moment.";
    return { label: "Ready", tone: "good", sentence, advice: null, progress: null };
  }
  if (video.edition_status === "errored") {
    const { sentence, ...more } = whyItFailed(video);
    return { label: "Ready", tone: "good", sentence: `You can watch it, but a newer conversion failed. ${sentence}`, ...more, progress: null };
  }
  if (video.edition_status !== "ready") {
    const sentence = `You can watch it while a newer conversion is made. ${newerSentence(video)}`.trim();
    const progress = video.edition_status === "processing" ? video.progress : null;
    return { label: "Ready", tone: "good", sentence, advice: null, progress };
  }
  return { label: "Ready", tone: "good", sentence: null, advice: null, progress: null };
}

/** Describe what a newer edition waits for, unless it is just being converted. */
function newerSentence(video: Video): string {
  if (video.reason === "WaitingForSubmission" || video.reason === "Transcoding") return "";
  return SENTENCES[video.reason] ?? (video.waiting_for ? `Waiting for ${video.waiting_for}.` : "");
}

function failed(video: Video): StateText {
  if (isAboutToBegin(video)) {
    return { label: "Waiting", tone: "busy", sentence: "Trying again in a moment.", advice: null, progress: null };
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
  const labels = { pending: "Waiting", uploading: "Waiting for file", uploaded: "Queued", processing: "Converting" } as const;
  return {
    label: video.reason === "Paused" ? "Paused" : labels[video.status as keyof typeof labels],
    tone: video.status === "uploading" || video.reason === "Paused" ? "quiet" : "busy",
    sentence,
    advice: isOurs ? adviceFor(video) : (video.what_to_do ?? adviceFor(video)),
    progress: video.status === "processing" ? video.progress : null,
  };
}

function adviceFor(video: Video): string | null {
  if (video.reason === "WaitingForFile") return "Continue in the tab or on the device where the upload started, or cancel it.";
  if (video.status === "uploaded" || video.status === "processing") return "You can close this page; the conversion continues.";
  return null;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function ended(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
