// Why a video failed and what its owner can do on this page, by code. The service's own advice (domain/failures.py) is for
// whoever makes calls; its message stays to be read below, for whoever can help.

import type { VideoError } from "../api/types";

export interface Words {
  sentence: string;
  advice: string;
}

const ANEW = "Upload the file again as a new video, and delete this one.";
const ANOTHER = "Upload another file, and delete this video.";
const AGAIN = "Try again: the file is kept, nothing has to be uploaded.";

const WORDS: Record<string, Words> = {
  upload_expired: { sentence: "The file did not arrive in time.", advice: ANEW },
  file_empty: { sentence: "The file is empty.", advice: ANOTHER },
  file_too_large: { sentence: "The file is too large.", advice: "Upload a smaller file, and delete this video." },
  size_mismatch: { sentence: "The file did not arrive as a whole.", advice: ANEW },
  not_a_video: { sentence: "The file is not a video that can be played.", advice: ANOTHER },
  video_incomplete: { sentence: "The video is cut off: a part of it is missing.", advice: "Upload the complete file, and delete this video." },
  source_missing: { sentence: "The file is not in storage any more.", advice: ANEW },
  source_changed: { sentence: "The file was replaced after it had been checked.", advice: "Try again to convert the file that is there now." },
  provider_unavailable: { sentence: "The conversion service could not be reached for a long time.", advice: AGAIN },
  provider_refused: {
    sentence: "The conversion service refuses this video.",
    advice: "Tell whoever runs this page: trying again alone does not help.",
  },
  submission_unresolved: {
    sentence: "Nobody knows whether the conversion was ordered.",
    advice: "Tell whoever runs this page. If you try again, it may be paid for twice.",
  },
  submissions_exhausted: { sentence: "The conversion was ordered several times, in vain.", advice: AGAIN },
  transcode_failed: {
    sentence: "The video could not be converted.",
    advice: "Try again. If it fails once more, save the video in another format, such as MP4, and upload that.",
  },
  transcode_timeout: { sentence: "The conversion took too long.", advice: AGAIN },
  job_lost: { sentence: "The conversion service has lost this video.", advice: AGAIN },
  outputs_invalid: { sentence: "The converted video was not complete.", advice: AGAIN },
  storage_unavailable: { sentence: "Storage could not be reached for a long time.", advice: AGAIN },
};

/** Null for a code that this page does not know: then the service's words are shown. */
export function explainFailure(error: VideoError | null): Words | null {
  return error === null ? null : (WORDS[error.code] ?? null);
}
