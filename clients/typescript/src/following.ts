// Waits until a video is at rest: ready, failed, or waiting for a person.

import type { Calls } from "./calls.js";
import { isMoving } from "./moving.js";
import type { Video } from "./types.js";
import { VideoPoller } from "./video-poller.js";

export interface FollowOptions {
  /** Called with the video at first and after each change. */
  onChange?: (video: Video) => void;
  signal?: AbortSignal;
}

/** Return the video once nothing changes it any more. Throws what the service refuses; a lost connection is waited out. */
export function follow(calls: Pick<Calls, "video">, videoId: string, options: FollowOptions = {}): Promise<Video> {
  const { onChange, signal } = options;
  // An app that waits does so in the background too.
  const poller = new VideoPoller(videoId, calls, () => false);
  return new Promise<Video>((resolve, reject) => {
    const end = () => {
      stop();
      signal?.removeEventListener("abort", aborted);
      poller.end();
    };
    const aborted = () => {
      end();
      reject(signal?.reason);
    };
    let seen: Video | null = null;
    const stop = poller.state.subscribe(() => {
      const { video } = poller.state.value;
      if (video === null || video === seen) return;
      seen = video;
      onChange?.(video);
      if (isMoving(video)) return;
      end();
      resolve(video);
    });
    poller.onRefused = (error) => {
      end();
      reject(error);
    };
    signal?.addEventListener("abort", aborted);
    if (signal?.aborted) aborted();
    else void poller.look();
  });
}
