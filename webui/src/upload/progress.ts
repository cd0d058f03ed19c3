// Upload progress of each video that this tab sends, in percent.

import { Store } from "../ui/store";

export class UploadProgress extends Store<ReadonlyMap<string, number>> {
  constructor() {
    super(new Map());
  }

  put(videoId: string, sentBytes: number, allBytes: number): void {
    const percent = Math.floor((100 * sentBytes) / allBytes);
    if (this.value.get(videoId) !== percent) this.set(new Map(this.value).set(videoId, percent));
  }

  drop(videoId: string | null): void {
    if (videoId === null || !this.value.has(videoId)) return;
    const left = new Map(this.value);
    left.delete(videoId);
    this.set(left);
  }
}
