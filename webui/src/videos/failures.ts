// Why a video failed and what its owner can do on this page, by code. The service's own advice (domain/failures.py) is
// written for clients of the API; its message is shown below for support.

import type { VideoError } from "video-uploads-client";

export interface Explanation {
  sentence: string;
  advice: string;
}

const UPLOAD_AGAIN = "Upload the file again as a new video, and delete this one.";
const OTHER_FILE = "Upload another file, and delete this video.";
const RETRY = "Try again; you need not upload the file again.";

const EXPLANATIONS: Record<string, Explanation> = {
  upload_expired: { sentence: "The file did not arrive in time.", advice: UPLOAD_AGAIN },
  source_unreachable: {
    sentence: "The server of the video's address did not give the file.",
    advice: "Check that the address works, then try again.",
  },
  source_refused: {
    sentence: "There is no file at the video's address, or it needs a login.",
    advice: "Upload the file itself as a new video, and delete this one.",
  },
  source_forbidden: {
    sentence: "The video's address is not one that this service reads from.",
    advice: "Upload the file itself as a new video, and delete this one.",
  },
  source_too_large: { sentence: "The file at the video's address is too large.", advice: "Use a smaller file, and delete this video." },
  file_empty: { sentence: "The file is empty.", advice: OTHER_FILE },
  file_too_large: { sentence: "The file is too large.", advice: "Upload a smaller file, and delete this video." },
  size_mismatch: { sentence: "The file did not arrive completely.", advice: UPLOAD_AGAIN },
  not_a_video: { sentence: "The file is not a playable video.", advice: OTHER_FILE },
  video_incomplete: { sentence: "The video is incomplete.", advice: "Upload the complete file, and delete this video." },
  video_too_long: {
    sentence: "The video is too long.",
    advice: "Upload a shorter video, or parts of this one, and delete this video.",
  },
  source_missing: { sentence: "The file is no longer in storage.", advice: UPLOAD_AGAIN },
  source_changed: { sentence: "The file was replaced after it was checked.", advice: "Try again to convert the file that is in storage now." },
  provider_unavailable: { sentence: "The conversion service could not be reached for a long time.", advice: RETRY },
  limit_reached: { sentence: "The video waited too long in the queue.", advice: RETRY },
  provider_refused: {
    sentence: "The conversion service refused this video.",
    advice: "Contact the administrator; trying again does not help.",
  },
  submission_unresolved: {
    sentence: "It is not known whether the conversion was started.",
    advice: "Contact the administrator. If you try again, it may be paid for twice.",
  },
  submissions_exhausted: { sentence: "The conversion was tried several times without success.", advice: RETRY },
  video_undecodable: {
    sentence: "The conversion service cannot read this file.",
    advice: "Save the video in another format, such as MP4, and upload that. Trying again does not help.",
  },
  transcode_failed: {
    sentence: "The video could not be converted.",
    advice: "Try again. If it fails once more, save the video in another format, such as MP4, and upload that.",
  },
  transcode_timeout: { sentence: "The conversion took too long.", advice: RETRY },
  job_lost: { sentence: "The conversion service has lost this video.", advice: RETRY },
  outputs_invalid: { sentence: "The converted video was not complete.", advice: RETRY },
  outputs_mismatch: {
    sentence: "The converted video is not as long as the file says.",
    advice: "Save the video in another format, such as MP4, and upload that.",
  },
  storage_unavailable: { sentence: "Storage could not be reached for a long time.", advice: RETRY },
};

/** Return null for an unknown code; then the service's message is shown. */
export function explainFailure(error: VideoError | null): Explanation | null {
  return error === null ? null : (EXPLANATIONS[error.code] ?? null);
}
