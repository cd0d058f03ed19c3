// The client of the video upload service for browsers and Node. docs/clients.md shows how to use it.

export { type Answer, Api, type CallOptions, isTransient, type TokenSource, untilLaterOrOnline } from "./api.js";
export {
  type BulkFilters, type CatalogueFilters, Calls, type Changes, type Choices, type Listing, type NewCaptions, type NewFetch,
  type NewVideo, type Wait,
} from "./calls.js";
export { Client, type ClientOptions, type FetchOptions } from "./client.js";
export { learnTime, serverNow } from "./clock.js";
export { type After, afterFailure, type Failed } from "./failures.js";
export { follow, type FollowOptions } from "./following.js";
export { contentMd5 } from "./md5.js";
export { isAboutToBegin, isMoving, waitsForFile } from "./moving.js";
export { fileName, titleOf } from "./names.js";
export { type PlaybackTokenOptions, signPlaybackToken } from "./playback-tokens.js";
export { nextPoll, type PollState } from "./polling.js";
export { formatSpan, NoAnswerError, ProblemError, sentenceFor } from "./problems.js";
export { type Chosen, newFetchOf, newRecord, newVideoOf, Records, type UploadRecord } from "./records.js";
export { retryAfterSeconds, waitBeforeTry } from "./retry.js";
export { Store } from "./store.js";
export { Targets } from "./targets.js";
export { TokenRefusedError, tokensFrom } from "./tokens.js";
export type * from "./types.js";
export { PHASES } from "./types.js";
export { Uploader, UploadRefusedError, type UploaderSteps, type UploadOptions } from "./uploader.js";
export { type PolledVideo, VideoPoller } from "./video-poller.js";
export { verifyWebhook, type VerifyOptions, type WebhookMessage, WebhookRefusedError } from "./webhooks.js";
